import type { HistoryEvent } from '../history/index.js';
import type { Log } from './relayLog.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A time as people say it, to the hour or the day. */
const roughly = (ms: number): string =>
  ms >= 2 * DAY
    ? `${Math.round(ms / DAY)} days`
    : ms >= 2 * HOUR
      ? `${Math.round(ms / HOUR)} hours`
      : `${Math.ceil(ms / 60_000)} min`;

/** Returns what is logged of an event of the history: its level, the fields, the sentence. */
export const historyLine = (
  event: HistoryEvent,
): readonly [level: 'info' | 'warn', fields: object, message: string] => {
  const { type, ...fields } = event;
  switch (event.type) {
    case 'removed':
      return event.reason === 'age'
        ? ['info', fields, 'retention removed entries that are older than --keep']
        : ['warn', fields, 'retention removed entries of the largest rooms, since --keep-total was reached'];
    case 'forgotten':
      return ['info', fields, 'rooms that had been empty for a week were forgotten'];
    case 'clock-ahead':
      return [
        'warn',
        fields,
        `the clock is ${roughly(event.aheadMs)} ahead of the time that the relay knows to have passed: nothing that was stored ` +
          'before is removed for its age until the clock has run evenly for as long as --keep says; if the clock is right, ' +
          'start once with --trust-clock',
      ];
    case 'clock-believed':
      return ['info', { type }, 'retention goes by the clock again'];
  }
};

/** Logs what retention does by itself. */
export const logHistory =
  (opened: Log | undefined): ((event: HistoryEvent) => void) =>
  (event) => {
    const [level, fields, message] = historyLine(event);
    opened?.log[level](fields, message);
  };

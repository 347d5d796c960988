import {
  audit,
  concatMap,
  connect,
  defer,
  filter,
  merge,
  type MonoTypeOperatorFunction,
  take,
  takeUntil,
} from 'rxjs';
import type { Heard } from '../../../streams/index.js';
import { endOfTurn$ } from '../../turn.js';

/** Tells of each thing that is heard whether all is read that the log had when the client came in. */
const caughtUp = (): ((heard: Heard) => boolean) => {
  let last: number | undefined;
  let position = 0;
  return (heard) => {
    if (heard.type === 'welcome') {
      last ??= heard.next - 1;
      position = heard.from - 1;
    } else if (heard.type === 'gap') position = heard.to;
    else if ('position' in heard && heard.position !== undefined) position = heard.position;
    return last !== undefined && position >= last;
  };
};

/**
 * What is heard, up to the end of the turn in which all is read that the log had at the beginning: what is known of one entry
 * comes in one turn. Completes then.
 */
export const untilNow = (): MonoTypeOperatorFunction<Heard> => (heard$) =>
  heard$.pipe(
    connect((shared$) =>
      shared$.pipe(
        takeUntil(
          defer(() => shared$.pipe(filter(caughtUp()))).pipe(
            take(1),
            audit(() => endOfTurn$),
          ),
        ),
      ),
    ),
  );

/** For each of the newest messages so many entries are read: a message by `send -m` comes with two announcements. */
const ENTRIES_A_MESSAGE = 8;
const ENTRIES_AT_LEAST = 64;

/** How many entries to ask for, so that so many messages are among them. */
export const entriesFor = (messages: number): number =>
  messages === 0 ? 0 : Math.min(ENTRIES_A_MESSAGE * messages + ENTRIES_AT_LEAST, Number.MAX_SAFE_INTEGER);

/** Of what the log had at the beginning the newest `count` messages and what came with them; then all that is heard. */
export const lastMessages =
  (count: number): MonoTypeOperatorFunction<Heard> =>
  (heard$) =>
    defer(() => {
      const isCaughtUp = caughtUp();
      let waiting: Heard[] = [];
      let first = 0;
      let messages = 0;
      let isOver = false;

      const dropOldest = () => {
        for (; messages > count; first += 1) if (waiting[first]?.type === 'message') messages -= 1;
        if (first > 1024 && first > waiting.length / 2) {
          waiting = waiting.slice(first);
          first = 0;
        }
      };
      const release = (): readonly Heard[] => {
        isOver = true;
        const released = waiting.slice(first);
        waiting = [];
        return released;
      };

      return heard$.pipe(
        connect((shared$) => {
          const reached$ = shared$.pipe(
            filter(isCaughtUp),
            take(1),
            audit(() => endOfTurn$),
            concatMap(release),
          );
          const passed$ = shared$.pipe(
            concatMap((heard) => {
              if (isOver || heard.type === 'welcome' || heard.type === 'offline') return [heard];
              waiting.push(heard);
              if (heard.type === 'message') messages += 1;
              dropOldest();
              return [];
            }),
          );
          return merge(reached$, passed$);
        }),
      );
    });

import { expect } from '@jest/globals';
import type { GroupOutcome, GroupRun } from './groupSimulation.js';

/** The messages of an epoch in one log that a run read, by their positions, from the first that it had to read. */
interface Delivery {
  readonly run: GroupRun;
  readonly log: string;
  readonly epoch: number;
  readonly from: number;
  /** Up to which position it read: Infinity if it saw the end of the epoch, or of the simulation. */
  readonly to: number;
  readonly texts: (readonly [position: number, text: string])[];
}

/** By their epoch and log, the messages by their positions. */
type Messages = ReadonlyMap<string, ReadonlyMap<number, string>>;

const placeOf = ({ epoch, log }: Pick<Delivery, 'epoch' | 'log'>): string => `epoch ${epoch} in ${log}`;

const deliveriesOf = (run: GroupRun): readonly Delivery[] => {
  const deliveries: Delivery[] = [];
  let welcome = { from: 0, log: '' };
  let present: Omit<Delivery, 'to'> | undefined;
  let isResuming = false;
  const lastOf = () => present?.texts.at(-1)?.[0] ?? -1;
  const close = (to: number) => {
    if (present) deliveries.push({ ...present, to });
  };
  for (const event of run.received) {
    switch (event.type) {
      case 'welcome':
        welcome = event;
        if (present?.log === '') {
          const from = isResuming ? Math.max(event.from, run.rereadTo + 1) : 0;
          present = { ...present, log: event.log, from };
          isResuming = false;
        }
        break;
      case 'log-changed':
        if (present === undefined) break;
        close(lastOf());
        present = { ...present, log: welcome.log, from: 0, texts: [] };
        break;
      case 'resumed':
        // The welcome follows.
        isResuming = true;
        present = { run, log: '', epoch: event.epoch, from: 0, texts: [] };
        break;
      case 'epoch':
        close(Infinity);
        // The welcome of the next room follows.
        present = { run, log: event.moved ? '' : welcome.log, epoch: event.epoch, from: 0, texts: [] };
        break;
      case 'message':
        if (present === undefined) throw new Error(`a message before any epoch: ${event.text}`);
        if (event.position >= present.from || run.rereadTo === 0)
          present.texts.push([event.position, event.text]);
        break;
      default:
    }
  }
  close(run.stayed ? Infinity : lastOf());
  return deliveries;
};

/** Returns the messages of each epoch in the order of the log, which all that read them agree on. */
const messagesOf = (deliveries: readonly Delivery[]): Messages => {
  const places = new Map<string, Map<number, string>>();
  for (const delivery of deliveries) {
    const place = placeOf(delivery);
    const known = places.get(place) ?? new Map<number, string>();
    places.set(place, known);
    for (const [position, text] of delivery.texts) {
      const other = known.get(position) ?? text;
      if (other !== text) throw new Error(`entry ${position} of ${place} is both ${text} and ${other}`);
      known.set(position, text);
    }
  }
  return places;
};

/** Throws unless all read the same messages in the same order, and nobody lost one. */
export const expectMessages = ({ runs, externals, lastTexts, hasLostLogs }: GroupOutcome): void => {
  const deliveries = runs.flatMap(deliveriesOf);
  const places = messagesOf(deliveries);
  for (const { from, to, texts, ...delivery } of deliveries) {
    const all = [...places.get(placeOf(delivery))!].toSorted(([a], [b]) => a - b);
    expect(texts).toStrictEqual(all.filter(([position]) => position >= from && position <= to));
  }
  const read = [...places.values()].flatMap((texts) => [...texts.values()]);
  const isRead = new Set(read);
  // After a loss of the log, a message without a receipt is sent again.
  if (!hasLostLogs) expect(isRead.size).toBe(read.length);
  for (const { text, isStored } of externals) if (isStored) expect([...isRead]).toContain(text);
  for (const run of runs) {
    const stored = run.received.flatMap((each) => (each.type === 'stored' ? each.lines : []));
    expect(stored).toStrictEqual(run.sent.slice(0, stored.length));
    expect(stored.filter((text) => !isRead.has(text))).toStrictEqual([]);
    const messages = run.received.filter((each) => each.type === 'message');
    const received = new Set(messages.map(({ text }) => text));
    expect(received.size).toBe(messages.length);
    expect(messages.filter(({ text, external = false }) => external !== isExternal(text))).toStrictEqual([]);
    if (!run.stayed) continue;
    // Nobody is stuck.
    expect(stored).toStrictEqual(run.sent);
    expect(lastTexts.filter((text) => !received.has(text))).toStrictEqual([]);
  }
  expectNothingLost({ runs, hasLostLogs }, deliveries, places);
  expectSameAgain(runs);
};

const isExternal = (text: string): boolean => text.startsWith('outsider');

/** A device that is there at the end read each message since it joined last, over all its runs. */
const expectNothingLost = (
  { runs, hasLostLogs }: Pick<GroupOutcome, 'runs' | 'hasLostLogs'>,
  deliveries: readonly Delivery[],
  places: Messages,
) => {
  for (const last of runs.filter((each) => each.stayed)) {
    const own = runs.filter(({ who: each }) => each === last.who).flatMap(({ received }) => received);
    const joined = own.findLast(
      (each) => each.type === 'epoch' && each.own && (each.change === 'joined' || each.change === 'created'),
    );
    if (joined?.type !== 'epoch') continue;
    const lastLog = last.received.findLast((each) => each.type === 'welcome')?.log;
    const isReadable = ({ epoch, log }: Delivery) =>
      epoch >= joined.epoch && (!hasLostLogs || log === lastLog);
    const read = new Set(
      deliveries
        .filter(({ run }) => run.who === last.who)
        .flatMap(({ texts }) => texts.map(([, text]) => text)),
    );
    const lost = [...new Set(deliveries.filter(isReadable).map(placeOf))]
      .flatMap((place) => [...(places.get(place)?.values() ?? [])])
      .filter((text) => !read.has(text));
    expect(lost).toStrictEqual([]);
  }
};

/** What a device reads again is what it read at the same position. */
const expectSameAgain = (runs: readonly GroupRun[]) => {
  const known = new Set<string>();
  for (const { who, rereadTo, received } of runs) {
    const isResumed = received.some(({ type }) => type === 'resumed');
    let isAgain = isResumed;
    for (const event of received) {
      if (event.type === 'epoch') isAgain = false;
      if (event.type !== 'message') continue;
      const key = `${who} ${event.position} ${event.text}`;
      if (isAgain && event.position <= rereadTo) expect(known).toContain(key);
      known.add(key);
    }
  }
};

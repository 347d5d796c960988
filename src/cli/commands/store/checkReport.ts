import type { RoomFault } from '../../../../streams/relay/cluster/checkRoom.js';
import type { StoreFinding } from '../../../nats/checkStore.js';
import { pluralize } from '../../../text/format.js';
import { safe, type SafeText } from '../../../text/sanitize.js';
import { RESERVATIONS } from '../../../nats/subjects.js';
import { formatContents } from './formatContents.js';

/** The result of the check of a store. */
export interface CheckResult {
  readonly type: 'result';
  readonly intact: boolean;
  readonly rooms: number;
  readonly damagedRooms: number;
  readonly missingStreams: number;
  readonly entries: number;
  readonly batches: number;
  readonly voidBatches: number;
  /** Logs that relays began because the store had lost the end of the former one. */
  readonly newLogs: number;
  readonly bytes: number;
  /** Servers whose records were compared with those of others, and servers that did not answer. */
  readonly compared: readonly string[];
  readonly uncompared: readonly string[];
}

export const EMPTY_RESULT: CheckResult = {
  type: 'result',
  intact: true,
  rooms: 0,
  damagedRooms: 0,
  missingStreams: 0,
  entries: 0,
  batches: 0,
  voidBatches: 0,
  newLogs: 0,
  bytes: 0,
  compared: [],
  uncompared: [],
};

type Damage = Exclude<StoreFinding, { readonly type: 'stream' }>;

/** Whether a finding is damage. */
export const isDamage = (finding: StoreFinding): finding is Damage =>
  finding.type === 'missing-stream' ||
  (finding.type === 'reservations' && (finding.unreadable > 0 || finding.differences.length > 0)) ||
  (finding.type === 'room' && (finding.faults.length > 0 || finding.differences.length > 0));

/** Adds a finding to the result. */
export const addFinding = (result: CheckResult, finding: StoreFinding): CheckResult => {
  if (finding.type === 'missing-stream')
    return { ...result, intact: false, missingStreams: result.missingStreams + 1 };
  if (finding.type === 'stream')
    return {
      ...result,
      compared: union(result.compared, finding.compared),
      uncompared: union(result.uncompared, finding.uncompared),
    };
  const damaged = isDamage(finding);
  if (finding.type === 'reservations') return { ...result, intact: result.intact && !damaged };
  return {
    ...result,
    intact: result.intact && !damaged,
    rooms: result.rooms + 1,
    damagedRooms: result.damagedRooms + (damaged ? 1 : 0),
    entries: result.entries + finding.entries,
    batches: result.batches + finding.batches,
    voidBatches: result.voidBatches + finding.voidBatches,
    newLogs: result.newLogs + finding.newLogs,
    bytes: result.bytes + finding.bytes,
  };
};

const union = (one: readonly string[], other: readonly string[]): readonly string[] =>
  [...new Set([...one, ...other])].sort();

/** Describes damage in a line: what is wrong, and what to do. */
export const describeDamage = (damage: Damage): SafeText => {
  if (damage.type === 'missing-stream')
    return damage.stream === RESERVATIONS
      ? safe`the stream ${damage.stream} is missing: start a relay, which creates it`
      : safe`the stream ${damage.stream} is missing with its rooms: restore a backup, or start a relay, which creates it empty`;
  const { differences } = damage;
  const faults = damage.type === 'room' ? damage.faults : [];
  const facts = [
    ...differences.map(
      ({ server, records, address }) =>
        `the server ${server} differs from the others in ${pluralize(records, 'record')}, the first at ${address}`,
    ),
    ...faults.map(describeFault),
    ...(damage.type === 'reservations' && damage.unreadable > 0
      ? [`${pluralize(damage.unreadable, 'record')} cannot be read`]
      : []),
  ];
  const advice = [
    ...(differences.length > 0
      ? [
          `stop ${listNames(differences.map(({ server }) => server))}, remove its store_dir and start it again, one server at a time`,
        ]
      : []),
    ...(faults.length > 0 ? [adviceFor(faults)] : []),
    ...(damage.type === 'reservations' && damage.unreadable > 0 ? [RESERVATION_ADVICE] : []),
  ];
  const subject = damage.type === 'room' ? `room ${damage.room}` : `the stream ${damage.stream}`;
  return safe`${subject} is damaged: ${facts.join('; ')}: ${advice.join('; ')}`;
};

const RESERVATION_ADVICE = 'a relay reserves them with the next message of the room';

const describeFault = ({ type, count, from, to }: RoomFault): string => {
  switch (type) {
    case 'unreadable':
      return `${pluralize(count, 'record')} cannot be read`;
    case 'missing':
      return from === undefined
        ? `${pluralize(count, 'batch', 'batches')} missing`
        : `entries ${from} to ${to} are missing`;
    case 'wrong-branch':
      return 'relays have read different records';
    case 'snapshot':
      return 'the newest list of members is missing';
    case 'reservation':
      return 'its last positions are not reserved';
    case 'newer-version':
      return 'a newer version wrote it';
    default:
      return 'a batch contradicts the one before it';
  }
};

const adviceFor = (faults: readonly RoomFault[]): string => {
  if (faults.some(({ type }) => type === 'newer-version')) return 'update rxchat here, and check again';
  return faults.every(({ type }) => type === 'reservation')
    ? RESERVATION_ADVICE
    : 'the relays go on without what is missing; only a backup has it';
};

/** Describes the result in a line. */
export const describeResult = (store: string, result: CheckResult): SafeText => {
  const { rooms, damagedRooms, missingStreams, compared, uncompared } = result;
  const state = result.intact
    ? `is intact: ${formatContents(result)}`
    : `is damaged: ${damagedRooms} of ${pluralize(rooms, 'room')}${missingStreams > 0 ? `, and ${pluralize(missingStreams, 'stream')} missing` : ''}`;
  const same = result.intact && compared.length > 1 ? `, the same on ${listNames(compared)}` : '';
  const incomplete =
    uncompared.length > 0 ? `; ${listNames(uncompared)} did not answer: start it, and check again` : '';
  return safe`the store at ${store} ${state}${same}${incomplete}`;
};

const listNames = (names: readonly string[]): string => names.join(', ');

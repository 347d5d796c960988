import type { LedgerRecord } from './ledger.js';

/** A record, and the room that it belongs to. */
export interface RoomRecord extends LedgerRecord {
  readonly room: string;
}

/** What a server has stored from an address on: its records in order. */
export interface ReplicaPage {
  readonly server: string;
  readonly records: readonly RoomRecord[];
  /** Address at which the page ends; `undefined` if there are no records behind it. */
  readonly last: number | undefined;
}

/** A record that a server lacks, or has with another content than most servers. */
export interface ReplicaDifference {
  readonly address: number;
  readonly room: string;
  readonly server: string;
}

/** The records that most servers have, and the differences of the others. */
export interface ComparedPage {
  readonly records: readonly RoomRecord[];
  readonly differences: readonly ReplicaDifference[];
  /** Address of the last record that was compared; `undefined` if there are no records behind it. */
  readonly last: number | undefined;
}

/**
 * Compares what several servers have stored from the same address on, up to where the shortest page ends.
 *
 * If as many servers have one record as another one, the server of the first page decides.
 */
export const compareReplicas = (pages: readonly ReplicaPage[]): ComparedPage => {
  const end = Math.min(...pages.map((page) => page.last ?? Infinity));
  const replicas = pages.map(({ server, records }) => ({
    server,
    records: new Map(records.map((record) => [record.address, record])),
  }));
  const addresses = new Set(
    pages.flatMap(({ records }) => records.map(({ address }) => address).filter((address) => address <= end)),
  );
  const agreed: RoomRecord[] = [];
  const differences: ReplicaDifference[] = [];
  for (const address of [...addresses].sort((one, other) => one - other)) {
    const found = replicas.map(({ server, records }) => ({ server, record: records.get(address) }));
    const common = mostCommon(found.map(({ record }) => record));
    if (common !== undefined) agreed.push(common);
    for (const { server, record } of found)
      if (!isSame(record, common))
        differences.push({ address, server, room: (record ?? common)?.room ?? '' });
  }
  return { records: agreed, differences, last: end === Infinity ? undefined : end };
};

/** Returns what most have; a record, or `undefined` for none. */
const mostCommon = (records: readonly (RoomRecord | undefined)[]): RoomRecord | undefined => {
  const votes = (record: RoomRecord | undefined) => records.filter((other) => isSame(record, other)).length;
  return records.reduce((best, record) => (votes(record) > votes(best) ? record : best), records[0]);
};

const isSame = (one: RoomRecord | undefined, other: RoomRecord | undefined): boolean => {
  if (one === undefined || other === undefined) return one === other;
  return one === other || (one.room === other.room && isEqual(one.bytes, other.bytes));
};

const isEqual = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);

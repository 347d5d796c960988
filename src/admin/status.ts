import type { LoadSampled } from '../../streams/relay/index.js';

/** What a relay does at the moment. */
export type RelayState = 'starting' | 'serving' | 'draining' | 'stopping';

/** Where a relay stores its rooms. */
export type StoreKind = 'disk' | 'os' | 'memory' | 'shared';

/** The reply to `status`. Times are in ISO 8601. */
export interface Status {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly state: RelayState;
  readonly addresses: readonly string[];
  readonly connections: number;
  readonly members: number;
  readonly slowReaders: number;
  readonly rooms: number;
  readonly windowBytes: number;
  readonly residentBytes: number;
  readonly store: StoreKind;
  readonly bans: number;
  readonly logLevel: string;
}

/** Returns the part of a status that a sample has; zeros before the first sample. */
export const sampledStatus = (
  load: LoadSampled | undefined,
): Pick<Status, 'connections' | 'members' | 'slowReaders' | 'rooms' | 'windowBytes'> => ({
  connections: load?.connections ?? 0,
  members: load?.members ?? 0,
  slowReaders: load?.slowReaders ?? 0,
  rooms: load?.rooms ?? 0,
  windowBytes: load?.windowBytes ?? 0,
});

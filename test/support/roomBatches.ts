import type { RoomBatch } from '../../streams/relay/cluster/batch.js';
import type { SharedMember } from '../../streams/relay/cluster/sharedRoster.js';
import { batch as linesOf } from './wire.js';

export const sharedMember = (nick: string, more: Partial<SharedMember> = {}): SharedMember => ({
  nick,
  session: `session of ${nick}`,
  owner: undefined,
  connection: 'relay.1',
  ...more,
});

/** A batch at the start of a log, with these lines. */
export const roomBatch = (
  lines: readonly string[] = [],
  more: Partial<Omit<RoomBatch, 'lines'>> = {},
): RoomBatch => ({
  log: 'log',
  generation: 0,
  base: 0,
  previous: 0,
  first: 1,
  writer: 'relay/1',
  number: 1,
  snapshotAddress: 0,
  sinceSnapshot: 0,
  snapshot: undefined,
  changes: [],
  handoffs: [],
  ...more,
  lines: linesOf(...lines),
});

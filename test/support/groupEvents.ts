import type { ClientEvent, GroupMember } from '../../streams/client/index.js';

type EpochStarted = Extract<ClientEvent, { type: 'epoch' }>;

/** Returns a device of a person, whose key is the person's name, padded. */
export const deviceOf = (person: string, label = 'laptop'): GroupMember => ({
  key: person.padEnd(43, '-'),
  device: `${person}-${label}`.padEnd(43, '-'),
  label,
});

export const epochEvent = (more: Partial<EpochStarted>): EpochStarted => ({
  type: 'epoch',
  position: 1,
  epoch: 1,
  change: 'joined',
  by: deviceOf('alice'),
  removed: [],
  own: false,
  members: [deviceOf('alice')],
  code: '123456789012345678901234567890',
  moved: false,
  ...more,
});

/** Why an entry cannot come from an honest relay and honest members. */
export type AlarmReason =
  /** The signature is invalid: a member uses the key of another member, or has changed a message. */
  | 'bad-signature'
  /** The sender wrote the message in another room. */
  | 'other-room'
  /** The message is a repetition that no lost connection explains. */
  | 'replayed'
  /** Messages of the sender are missing, and no gap can hide them. */
  | 'hole'
  /** The message follows later messages of the same sender. */
  | 'reordered'
  /** Two messages of a session have the same number and different content. */
  | 'counter-reused'
  /** The sender has read other entries than this client. */
  | 'forked'
  /** The sender must have read entries and does not attest to any. */
  | 'seen-missing';

/**
 * Reports misbehaviour of the relay or of a member. It is a value: the entries after it are read as usual.
 *
 * A sender whose log differs raises one `forked`, and another one only after it has agreed again.
 */
export interface Alarm {
  readonly type: 'alarm';
  /** The position of the entry that shows it. */
  readonly position: number;
  readonly reason: AlarmReason;
  /** The nick that the entry names. If the reason is `bad-signature`, the sender is somebody else. */
  readonly nick: string;
  readonly key: string;
}

/** Reports the first message of an unknown nick. */
export interface FirstSeen {
  readonly type: 'first-seen';
  readonly position: number;
  readonly nick: string;
  readonly key: string;
}

/** Reports that a known nick has another key: the sender is another person or has a new identity. */
export interface KeyChanged {
  readonly type: 'key-changed';
  readonly position: number;
  readonly nick: string;
  readonly key: string;
  /** The previous key. */
  readonly before: string;
}

/** What cannot come of an honest relay and honest members. */
export type AlarmReason =
  /** The signature does not hold: a member writes under another's key, or has changed what another one said. */
  | 'bad-signature'
  /** Whoever it is has said this, but in another room. */
  | 'other-room'
  /**
   * An envelope comes once more although its sender has said that it had its receipt; or a third time; or many come once
   * more in a row, and the connection did not change.
   */
  | 'replayed'
  /** The sender's numbers skip some, and no gap can have swallowed them. */
  | 'hole'
  /** An envelope comes after later ones of the same sender. */
  | 'reordered'
  /** A second envelope with the same number says something else. */
  | 'counter-reused'
  /** The sender has read other entries than were shown here: some were left out, put in, moved or changed. */
  | 'forked'
  /** The sender does not say what it has read, although it must have read something. */
  | 'seen-missing';

/**
 * A lie was noticed. It is a value: what comes after it is heard all the same. A member's first `forked` stands for all
 * until it agrees again, since what was shifted once stays so.
 */
export interface Alarm {
  readonly type: 'alarm';
  /** Of the entry at which it was noticed. */
  readonly position: number;
  readonly reason: AlarmReason;
  /** Who that entry says it is from; with `bad-signature` it is somebody else. */
  readonly nick: string;
  readonly key: string;
}

/** Somebody whose nick was not known yet, and the key. */
export interface FirstSight {
  readonly type: 'first-sight';
  readonly position: number;
  readonly nick: string;
  readonly key: string;
}

/** A nick that is known came with another key: it is somebody else, or somebody with another identity. */
export interface KeyChanged {
  readonly type: 'key-changed';
  readonly position: number;
  readonly nick: string;
  readonly key: string;
  /** The key that was known. */
  readonly before: string;
}

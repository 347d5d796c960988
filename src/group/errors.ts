/** All slots of a device in a group room are in use. The message is one line. */
export class SlotsInUseError extends Error {
  override readonly name = 'SlotsInUseError';
  /** What the user can do. */
  readonly hint = 'end another rxchat of this device that is in the room';
}

import { RefusedError } from '../../wire/errors.js';

/** A member removed this device: it can send nothing more. */
export class RemovedError extends Error {
  override readonly name = 'RemovedError';
}

/** The invite of a client is not valid any more: the members moved to another one. */
export class WithdrawnError extends Error {
  override readonly name = 'WithdrawnError';
}

/** The group has as many devices as it may have. */
export class GroupFullError extends Error {
  override readonly name = 'GroupFullError';
}

/** The relay refuses the room to which the group has moved. The members wait until it serves the room. */
export class MovedRoomRefusedError extends RefusedError {
  constructor({ code, message }: RefusedError) {
    super(code, `the relay refuses the room to which the group moved: ${message}`);
  }
}

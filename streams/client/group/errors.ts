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

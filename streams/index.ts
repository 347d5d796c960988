export * from './wire/index.js';
export * from './relay/index.js';
export * from './client/index.js';

/** The wire of an older chat (docs/classic-wire.md). */
export * as classic from './classic/index.js';

export * from './wire/index.js';
export * from './relay/index.js';
export * from './client/index.js';

import { afterAll } from '@jest/globals';
import { type Cleanup, cleanUpScope, scopes } from './cleanup.js';

/** Returns a function that starts something at its first call. It ends after the last test of the file. */
export const sharedByTests = <T>(start: () => Promise<T>): (() => Promise<T>) => {
  const scope: Cleanup[] = [];
  let started: Promise<T> | undefined;
  afterAll(() => cleanUpScope(scope));
  return () => (started ??= scopes.run(scope, start));
};

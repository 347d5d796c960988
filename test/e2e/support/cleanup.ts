import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll } from '@jest/globals';

type Cleanup = () => unknown;

/** The actions of the test that runs. */
const cleanups: Cleanup[] = [];
const scopes = new AsyncLocalStorage<Cleanup[]>();

/** Returns the actions of the test that runs, or of what its file shares. */
export const currentScope = (): Cleanup[] => scopes.getStore() ?? cleanups;

/** Registers an action for the end of the test, whether it passes or fails. The newest runs first. */
export const onCleanup = (ending: Cleanup): void => {
  currentScope().push(ending);
};

/** Ends everything that the test started; for `afterEach`. */
export const cleanUp = (): Promise<void> => cleanUpScope(currentScope());

const cleanUpScope = async (scope: Cleanup[]): Promise<void> => {
  const failures: unknown[] = [];
  for (let ending = scope.pop(); ending !== undefined; ending = scope.pop()) {
    try {
      await ending();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
};

/** Returns a function that starts something at its first call. It ends after the last test of the file. */
export const sharedByTests = <T>(start: () => Promise<T>): (() => Promise<T>) => {
  const scope: Cleanup[] = [];
  let started: Promise<T> | undefined;
  afterAll(() => cleanUpScope(scope));
  return () => (started ??= scopes.run(scope, start));
};

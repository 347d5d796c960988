import { AsyncLocalStorage } from 'node:async_hooks';

export type Cleanup = () => unknown;

/** The actions of the test that runs. */
const cleanups: Cleanup[] = [];
/** Scopes that outlive a test. */
export const scopes: AsyncLocalStorage<Cleanup[]> = new AsyncLocalStorage();

/** Returns the actions of the test that runs, or of what its file shares. */
export const currentScope = (): Cleanup[] => scopes.getStore() ?? cleanups;

/** Registers an action for the end of the test, whether it passes or fails. The newest runs first. */
export const onCleanup = (ending: Cleanup): void => {
  currentScope().push(ending);
};

/** Ends everything that the test started; for `afterEach`. */
export const cleanUp = (): Promise<void> => cleanUpScope(currentScope());

/** Ends everything that was started in a scope, the newest first. */
export const cleanUpScope = async (scope: Cleanup[]): Promise<void> => {
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

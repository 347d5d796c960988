/**
 * Listeners and timers of Node and WebSockets that cannot throw. No other file adds them directly
 * (eslint.config.js).
 */

/** Receives what a listener threw. */
export type ErrorHandler = (error: unknown) => void;

/** Returns a function that never throws. It passes what `listener` throws to `onError`. */
export const guard =
  <A extends readonly unknown[]>(
    listener: (...args: A) => void,
    onError: (error: unknown, ...args: A) => void,
  ): ((...args: A) => void) =>
  (...args) => {
    try {
      listener(...args);
    } catch (error) {
      onError(error, ...args);
    }
  };

/** A listener as an emitter sees it, with unknown arguments. */
type Listener = (...args: unknown[]) => void;

/** An emitter of Node. */
interface Emitter {
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/** A target of DOM events, such as a WebSocket. */
interface EventTargetLike<T extends string> {
  addEventListener(type: T, listener: (event: object) => void): void;
  removeEventListener(type: T, listener: (event: object) => void): void;
}

/**
 * Adds a listener and returns a function that removes it. An exception in a listener of Node would end the
 * process and all connections. Here it goes to `onError`, which closes the affected connection.
 */
export const addListener = <A extends readonly unknown[]>(
  emitter: Emitter,
  event: string,
  listener: (...args: A) => void,
  onError: (error: unknown, ...args: A) => void,
): (() => void) => {
  const guardedListener = guard(listener, onError) as unknown as Listener;
  emitter.on(event, guardedListener);
  return () => {
    emitter.off(event, guardedListener);
  };
};

/** Adds a guarded listener before the existing ones. */
export const prependListener = <A extends readonly unknown[]>(
  emitter: Emitter & { prependListener(event: string, listener: Listener): unknown },
  event: string,
  listener: (...args: A) => void,
  onError: (error: unknown, ...args: A) => void,
): void => {
  emitter.prependListener(event, guard(listener, onError) as unknown as Listener);
};

/** Adds a guarded listener to a DOM event target and returns a function that removes it. */
export const addEventHandler = <T extends string>(
  target: EventTargetLike<T>,
  type: T,
  listener: (event: object) => void,
  onError: ErrorHandler,
): (() => void) => {
  const guardedListener = guard(listener, onError);
  target.addEventListener(type, guardedListener);
  return () => {
    target.removeEventListener(type, guardedListener);
  };
};

/** Ignores all 'error' events of an emitter. Node throws an 'error' event without a listener. */
export const ignoreErrors = (emitter: Emitter): void => {
  emitter.on('error', ignore);
};
const ignore = (): void => undefined;

/** Calls back after `ms`, and returns a function that cancels it. */
export const startTimer = (ms: number, callback: () => void, onError: ErrorHandler): (() => void) => {
  const timer = setTimeout(guard(callback, onError), ms);
  return () => {
    clearTimeout(timer);
  };
};

/** Calls back at the end of the current task. */
export const queueCallback = (callback: () => void, onError: ErrorHandler): void => {
  queueMicrotask(guard(callback, onError));
};

/** Returns the message of an error. */
export const errorMessage = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** What listens to Node, to a WebSocket or to a clock goes through here, and nothing else does (eslint.config.js). */

/** What a listener threw. */
export type Failed = (error: unknown) => void;

/** Returns a function that never throws: what the given function throws goes to `failed`. */
export const guarded =
  <A extends readonly unknown[]>(
    listener: (...args: A) => void,
    failed: (error: unknown, ...args: A) => void,
  ): ((...args: A) => void) =>
  (...args) => {
    try {
      listener(...args);
    } catch (error) {
      failed(error, ...args);
    }
  };

/** A listener as an emitter has it: which arguments an event has is for who listens to know. */
type Heard = (...args: unknown[]) => void;

/** An emitter of Node. */
interface Emitter {
  on(event: string, listener: Heard): unknown;
  off(event: string, listener: Heard): unknown;
}

/** A target of events, as WebSockets are. */
interface Target<T extends string> {
  addEventListener(type: T, listener: (event: object) => void): void;
  removeEventListener(type: T, listener: (event: object) => void): void;
}

/**
 * Listens to an emitter and returns what stops that. What a listener of Node throws would be an uncaught exception, which
 * ends the process and so every connection: here it goes to `failed`, which closes the connection that it is about.
 */
export const hear = <A extends readonly unknown[]>(
  emitter: Emitter,
  event: string,
  listener: (...args: A) => void,
  failed: (error: unknown, ...args: A) => void,
): (() => void) => {
  const safe = guarded(listener, failed) as unknown as Heard;
  emitter.on(event, safe);
  return () => {
    emitter.off(event, safe);
  };
};

/** Does the same in front of the listeners that the emitter has already. */
export const hearFirst = <A extends readonly unknown[]>(
  emitter: Emitter & { prependListener(event: string, listener: Heard): unknown },
  event: string,
  listener: (...args: A) => void,
  failed: (error: unknown, ...args: A) => void,
): void => {
  emitter.prependListener(event, guarded(listener, failed) as unknown as Heard);
};

/** Does the same with a target of events. */
export const hearEvent = <T extends string>(
  target: Target<T>,
  type: T,
  listener: (event: object) => void,
  failed: Failed,
): (() => void) => {
  const safe = guarded(listener, failed);
  target.addEventListener(type, safe);
  return () => {
    target.removeEventListener(type, safe);
  };
};

/** Takes every 'error' of an emitter for read: an 'error' without a listener would be thrown. */
export const ignoreErrors = (emitter: Emitter): void => {
  emitter.on('error', nothing);
};
const nothing = (): void => undefined;

/** Calls back after so many ms, and returns what prevents that. */
export const after = (ms: number, callback: () => void, failed: Failed): (() => void) => {
  const timer = setTimeout(guarded(callback, failed), ms);
  return () => {
    clearTimeout(timer);
  };
};

/** Calls back at the end of the running task. */
export const soonAfter = (callback: () => void, failed: Failed): void => {
  queueMicrotask(guarded(callback, failed));
};

/** Returns what an error says of itself. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

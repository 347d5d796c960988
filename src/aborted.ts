import { identity, type MonoTypeOperatorFunction, Observable, takeUntil } from 'rxjs';

/** Emits once the signal is aborted, at once where it is already. Unsubscribing stops listening. */
const aborted = (signal: AbortSignal): Observable<void> =>
  new Observable((subscriber) => {
    const abort = () => {
      subscriber.next();
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    return () => {
      signal.removeEventListener('abort', abort);
    };
  });

/** Unsubscribes from its source and completes when the signal is aborted; without a signal it passes everything on. */
export const untilAborted = <T>(signal: AbortSignal | undefined): MonoTypeOperatorFunction<T> =>
  signal === undefined ? identity : takeUntil(aborted(signal));

import type { NgZone } from '@angular/core';
import { type MonoTypeOperatorFunction, Observable } from 'rxjs';

/**
 * Subscribes outside Angular's zone and emits inside it. An open session has timers; inside the zone, the application would
 * never become stable. Without zone.js it has no effect.
 */
export const outsideAngular =
  <T>(zone: NgZone): MonoTypeOperatorFunction<T> =>
  (source$) =>
    new Observable((subscriber) =>
      zone.runOutsideAngular(() =>
        source$.subscribe({
          next: (value) => {
            zone.run(() => {
              subscriber.next(value);
            });
          },
          error: (error: unknown) => {
            zone.run(() => {
              subscriber.error(error);
            });
          },
          complete: () => {
            zone.run(() => {
              subscriber.complete();
            });
          },
        }),
      ),
    );

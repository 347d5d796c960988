import { AsyncPipe } from '@angular/common';
import { Component, DestroyRef, inject, InjectionToken, NgZone, signal } from '@angular/core';
import { takeUntilDestroyed, toSignal } from '@angular/core/rxjs-interop';
import { catchError, EMPTY, map, type Observable, scan, switchMap, take } from 'rxjs';
import type { Session } from 'rxchat';
import { outsideAngular } from './zone.js';

/** The room that the application is in: shared, so it is joined by the first component and left with the last. */
export const SESSION: InjectionToken<Observable<Session>> = new InjectionToken('session');

interface Shown {
  readonly position: number;
  readonly index: number;
  readonly nick: string;
  readonly text: string;
  readonly own: boolean;
}

const NEWEST = 200;

@Component({
  selector: 'chat-room',
  imports: [AsyncPipe],
  template: `
    <p role="status">{{ state() }}, {{ (people$ | async) ?? 0 }} here</p>
    <ol>
      @for (message of messages(); track message.position + '.' + message.index) {
        <li [class.own]="message.own">{{ message.nick }}: {{ message.text }}</li>
      }
    </ol>
    @if (failed(); as reason) {
      <p role="alert">{{ reason }}</p>
    }
  `,
})
export class RoomComponent {
  /** What ends it for good is told by the last state, which is why the error may be left out here. */
  private readonly session$ = inject(SESSION).pipe(catchError(() => EMPTY));
  private readonly destroyed = inject(DestroyRef);
  private readonly zone = inject(NgZone);

  readonly failed = signal('');

  readonly state = toSignal(
    this.session$.pipe(
      switchMap(({ state$ }) => state$),
      map((state) => (state.type === 'closed' ? `closed: ${state.reason}` : state.type)),
      outsideAngular(this.zone),
    ),
    { initialValue: 'connecting' },
  );

  readonly messages = toSignal(
    this.session$.pipe(
      switchMap(({ message$ }) => message$),
      // What does not open has no nick and no text; here it is left out.
      scan(
        (all: readonly Shown[], each) => (each.type === 'message' ? [...all, each].slice(-NEWEST) : all),
        [],
      ),
      outsideAngular(this.zone),
    ),
    { initialValue: [] },
  );

  readonly people$ = this.session$.pipe(
    switchMap(({ member$ }) => member$),
    map(({ count }) => count),
    outsideAngular(this.zone),
  );

  say(text: string): void {
    this.session$
      .pipe(
        take(1),
        switchMap((session) => session.say(text)),
        outsideAngular(this.zone),
        takeUntilDestroyed(this.destroyed),
      )
      .subscribe({
        error: (error: unknown) => {
          this.failed.set(error instanceof Error ? error.message : String(error));
        },
      });
  }
}

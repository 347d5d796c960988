import { AsyncPipe } from '@angular/common';
import { Component, DestroyRef, inject, InjectionToken, NgZone, signal } from '@angular/core';
import { takeUntilDestroyed, toSignal } from '@angular/core/rxjs-interop';
import { catchError, EMPTY, map, type Observable, scan, switchMap, take } from 'rxjs';
import type { Session } from 'rxchat';
import { outsideAngular } from './zone.js';

/** The application's room: shared, so the first component joins it and the last one leaves it. */
export const SESSION: InjectionToken<Observable<Session>> = new InjectionToken('session');

interface DisplayedMessage {
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
    <p role="status">{{ state() }}, {{ (memberCount$ | async) ?? 0 }} here</p>
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
  /** The last state has the reason of a permanent error, so the error itself is ignored here. */
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
      // A message that cannot be decrypted has no nick and no text, and is omitted here.
      scan(
        (all: readonly DisplayedMessage[], each) =>
          each.type === 'message' ? [...all, each].slice(-NEWEST) : all,
        [],
      ),
      outsideAngular(this.zone),
    ),
    { initialValue: [] },
  );

  readonly memberCount$ = this.session$.pipe(
    switchMap(({ roster$ }) => roster$),
    map(({ count }) => count),
    outsideAngular(this.zone),
  );

  send(text: string): void {
    this.session$
      .pipe(
        take(1),
        switchMap((session) => session.send(text)),
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

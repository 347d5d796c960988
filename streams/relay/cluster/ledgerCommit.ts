import {
  asyncScheduler,
  concatMap,
  Observable,
  Subject,
  type Subscriber,
  Subscription,
  switchMap,
  take,
  tap,
  timer,
} from 'rxjs';
import { schedulerTime } from '../../rx/tokenBucket.js';
import type { MemberCommand } from '../connection/parseCommands.js';
import type { Committed } from '../log/commitQueue.js';
import { fetchComparedEntries } from '../log/startPosition.js';
import { AppendConflictError, type Ledger, readFresh } from './ledger.js';
import { type LedgerCommitOptions, stateOptions } from './ledgerCommitOptions.js';
import { NewerVersionError, openRoom } from './openRoom.js';
import { readRecords, type ReadRequest } from './readRecords.js';
import { formatRelayMessage } from './relayMessage.js';
import { reservePositions } from './reservation.js';
import type { RoomEffect, RoomInput } from './roomInput.js';
import { RoomState } from './roomState.js';

/**
 * Commits the commands of a room to a ledger: emits what is committed, by this relay or another one, in the order of the log.
 *
 * It reads the room, plans and appends batches as `RoomState` decides, and runs its timers. A failing engine is a value here.
 * Completes after the last commit; errors with its source.
 */
export const ledgerCommit =
  (name: string, options: LedgerCommitOptions) =>
  (command$: Observable<MemberCommand>): Observable<Committed> =>
    new Observable((subscriber) => {
      const runner = new RoomRunner(name, options, subscriber);
      subscriber.add(() => {
        runner.stop();
      });
      runner.start(command$);
    });

/** Runs the effects of a `RoomState`. */
class RoomRunner {
  readonly #name: string;
  readonly #options: LedgerCommitOptions;
  readonly #subscriber: Subscriber<Committed>;
  readonly #state: RoomState;
  readonly #requests = new Subject<ReadRequest>();
  readonly #writer: string;
  /** The ledger, or its leader. */
  #readFrom: Ledger;
  #reading = Subscription.EMPTY;
  #appending = Subscription.EMPTY;
  /** Inputs that arrived while another one was handled. Only re-entrant calls fill it, so it needs no limit. */
  readonly #queue: RoomInput[] = [];
  #isHandling = false;

  constructor(name: string, options: LedgerCommitOptions, subscriber: Subscriber<Committed>) {
    const { cluster } = options;
    this.#name = name;
    this.#options = options;
    this.#readFrom = cluster.ledger;
    this.#subscriber = subscriber;
    this.#writer = `${cluster.ledger.relayId}/${cluster.nextNumber()}`;
    this.#state = new RoomState(stateOptions(name, this.#writer, options));
  }

  start(command$: Observable<MemberCommand>): void {
    const { cluster } = this.#options;
    const subscriber = this.#subscriber;
    const error = (reason: unknown) => {
      subscriber.error(reason);
    };
    const listen = <T>(source$: Observable<T>, toInput: (value: T) => RoomInput) => {
      subscriber.add(
        source$.subscribe({
          next: (value) => {
            this.#handle(toInput(value));
          },
          error,
        }),
      );
    };
    listen(cluster.messagesTo(this.#writer), (message) => ({ type: 'message', message }));
    listen(cluster.gone$, (relayId) => ({ type: 'relay-gone', relayId }));
    listen(cluster.checkDue$, () => ({ type: 'check' }));
    this.#open(0);
    subscriber.add(
      command$.subscribe({
        next: (command) => {
          this.#handle({ type: 'command', command });
        },
        error,
        complete: () => {
          this.#handle({ type: 'completed' });
        },
      }),
    );
  }

  stop(): void {
    this.#reading.unsubscribe();
    this.#appending.unsubscribe();
    this.#state.close();
  }

  #handle(input: RoomInput): void {
    this.#queue.push(input);
    if (this.#isHandling) return;
    this.#isHandling = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        if (next.type === 'opened') this.#read(next.start.chain.read);
        for (const effect of this.#state.handle(next, schedulerTime())) {
          this.#run(effect);
          if (this.#subscriber.closed) return;
        }
      }
    } catch (reason) {
      this.#subscriber.error(reason);
    } finally {
      this.#isHandling = false;
    }
  }

  #run(effect: RoomEffect): void {
    switch (effect.type) {
      case 'emit':
        this.#subscriber.next(effect.committed);
        return;
      case 'open':
        this.#open(effect.ms, effect.before);
        return;
      case 'request':
        this.#requests.next(effect);
        return;
      case 'append':
        this.#append(effect);
        return;
      case 'await-tick':
        this.#subscriber.add(
          this.#options.endOfTick$.pipe(take(1)).subscribe({
            error: (reason: unknown) => {
              this.#subscriber.error(reason);
            },
            complete: () => {
              this.#handle({ type: 'tick-ended' });
            },
          }),
        );
        return;
      case 'fetch': {
        const { local, log } = effect;
        this.#subscriber.add(
          fetchComparedEntries(log, local.member.after).subscribe({
            next: (entries) => {
              this.#handle({ type: 'fetched', local, entries });
            },
            error: (reason: unknown) => {
              this.#subscriber.error(reason);
            },
          }),
        );
        return;
      }
      case 'schedule':
        this.#schedule(effect.ms, () => {
          this.#handle(effect.input);
        });
        return;
      case 'send':
        this.#options.cluster.ledger.send(effect.relayId, formatRelayMessage(effect.message));
        return;
      case 'complete':
        this.#subscriber.complete();
    }
  }

  /** Finds where to begin reading, after `ms`. */
  #open(ms: number, before?: number): void {
    this.#reading.unsubscribe();
    const { ledger } = this.#options.cluster;
    this.#readFrom = before === undefined ? ledger : readFresh(ledger);
    this.#reading = timer(ms)
      .pipe(switchMap(() => openRoom(this.#readFrom, this.#name, { before })))
      .subscribe({
        next: (start) => {
          this.#handle({ type: 'opened', start });
        },
        error: this.#onOpenFailed,
      });
  }

  #read(after: number): void {
    this.#reading.unsubscribe();
    const ledger = this.#readFrom;
    const request$ = this.#requests;
    this.#reading = readRecords({ ledger, room: this.#name, after, request$ }).subscribe({
      next: (event) => {
        this.#handle(event);
      },
      error: this.#onOpenFailed,
    });
  }

  readonly #onOpenFailed = (reason: unknown): void => {
    const isNewer = reason instanceof NewerVersionError;
    this.#handle({ type: 'open-failed', reason: String(reason), isNewer });
  };

  #append({ number, bytes, expectedLast, reservation }: Extract<RoomEffect, { type: 'append' }>): void {
    // An earlier append goes on in the engine. Its answer does not matter any more.
    this.#appending.unsubscribe();
    const { ledger } = this.#options.cluster;
    const reserved$ = reservePositions(ledger.reservations, this.#name, reservation).pipe(
      tap((stored) => {
        if (stored !== undefined) this.#handle({ type: 'reserved', reservation: stored });
      }),
    );
    this.#appending = reserved$
      .pipe(concatMap(() => ledger.append(this.#name, bytes, expectedLast)))
      .subscribe({
        next: (address) => {
          this.#handle({ type: 'appended', number, address });
        },
        error: (reason: unknown) => {
          this.#handle(
            reason instanceof AppendConflictError
              ? { type: 'append-refused', number, last: reason.last }
              : { type: 'append-failed', number },
          );
        },
      });
  }

  /** Runs an action later, and leaves no subscription behind. */
  #schedule(ms: number, action: () => void): void {
    const scheduled = new Subscription();
    this.#subscriber.add(scheduled);
    scheduled.add(
      asyncScheduler.schedule(() => {
        scheduled.unsubscribe();
        action();
      }, ms),
    );
  }
}

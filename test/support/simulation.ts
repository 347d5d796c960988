import { jest } from '@jest/globals';
import {
  config,
  defer,
  of,
  type Observable,
  Subject,
  Subscription,
  switchMap,
  throwError,
  timer,
} from 'rxjs';
import { roomClient } from '../../streams/client/roomClient.js';
import type { ClientEvent } from '../../streams/client/clientEvent.js';
import { relay } from '../../streams/relay/relay.js';
import type { Connection } from '../../streams/wire/connection.js';
import { ConnectionError } from '../../streams/wire/errors.js';
import { toBase64url } from '../../streams/wire/encoding.js';
import { fakeCipher, fakeKeyring } from './fakeCipher.js';
import { fakeHistory } from './fakeHistory.js';
import { fakeHash, fakeIdentity, fakeVerify, senderSessionOf } from './envelopes.js';
import {
  type VirtualConnection,
  type VirtualConnectionOptions,
  virtualConnection,
} from './virtualNetwork.js';
import { LOBBY, nonce, PROOF, verify } from './wire.js';

/** An action in the simulation. `who` is the number of a client. */
export type Action =
  | { readonly do: 'say'; readonly who: number; readonly lines: number }
  | { readonly do: 'join' | 'leave' | 'freeze' | 'thaw' | 'reset' | 'goSilent'; readonly who: number }
  /**
   * The relay is killed, started or drained. Its store is full, or has space again, or loses all but the newest
   * entries.
   */
  | { readonly do: 'kill' | 'start' | 'drain' | 'fill' | 'empty' | 'forget' }
  /** The relay is killed and its store is lost. */
  | { readonly do: 'wipe' };

export interface Scenario {
  readonly clients: number;
  /** Whether the first two clients are one person at two places: one nick and one identity. */
  readonly isTwice?: boolean;
  readonly quality: VirtualConnectionOptions;
  /** Duration of a commit in ms. */
  readonly storing: number;
  /** Whether the store keeps the batches that were in flight when the relay was killed. */
  readonly keepsInFlight: boolean;
  /** The actions, each with its delay in ms after the previous one. */
  readonly actions: readonly (readonly [number, Action])[];
  /** A number in [0, 1), for the jitter. */
  readonly chance: number;
  /** Bytes of lines that the relay keeps in memory. */
  readonly window: number;
}

/** The outcome for a client. */
export interface ClientResult {
  readonly received: readonly ClientEvent[];
  /** All messages that it sent, in order. */
  readonly sent: readonly string[];
  /** Whether it was still there at the end. */
  readonly stayed: boolean;
  readonly failure: unknown;
}

export interface SimulationResult {
  readonly clients: readonly ClientResult[];
  /** The log from position 1 on, as the store received it, including dropped entries. */
  readonly log: readonly string[];
}

/** Quiet time in ms at the end: longer than any wait of a client, with everything that follows it. */
const SETTLE_MS = 240_000;

/** Runs a scenario in virtual time. At the end it repairs everything that was broken, and waits for a while. */
export const simulate = (plan: Scenario): SimulationResult => {
  // The scheduler of marbles loses count among many stopped timers (RxJS 7), so these are fake timers.
  jest.useFakeTimers({ now: 0 });
  const failures: unknown[] = [];
  config.onUnhandledError = (error) => failures.push(error);
  try {
    const outcome = runScenario(plan);
    if (failures.length > 0) throw failures[0];
    return outcome;
  } finally {
    config.onUnhandledError = null;
    jest.useRealTimers();
  }
};

const runScenario = ({
  clients,
  isTwice = false,
  quality,
  storing,
  keepsInFlight,
  actions,
  chance,
  window,
}: Scenario): SimulationResult => {
  const results: ClientResult[] = [];
  let log: readonly string[] = [];

  let full = false;
  let wiped = 0;
  let forgotten: string[] = [];
  const newStore = () =>
    fakeHistory({
      commitDelay: () => timer(storing),
      failsAppend: () => full,
      keepsInFlight: () => keepsInFlight,
    });
  let history = newStore();
  let listening: Subject<Connection> | undefined;
  let running = new Subscription();
  const links = new Map<number, VirtualConnection>();
  const up = new Set<VirtualConnection>();
  let stop$ = new Subject<void>();

  const start = () => {
    if (listening !== undefined) return;
    listening = new Subject();
    stop$ = new Subject();
    const options = {
      nonce,
      verify,
      logId: () => `log${wiped}`,
      endOfTick$: timer(0),
      history: { store: history, windowBytes: window },
    };
    running = listening.pipe(relay({ ...options, stop$ })).subscribe();
  };
  const kill = () => {
    listening = undefined;
    history.crash();
    for (const link of up) link.reset();
    up.clear();
    running.unsubscribe();
  };
  const drain = () => {
    listening = undefined;
    stop$.next();
  };

  const connectAs = (who: number): Observable<Connection> =>
    timer(quality.latencyMs).pipe(
      switchMap(() => {
        if (listening === undefined) return throwError(() => new ConnectionError('nobody listens'));
        const link = virtualConnection(quality);
        links.set(who, link);
        up.add(link);
        listening.next(link.relayEnd);
        return of(link.clientEnd);
      }),
    );

  const members = Array.from({ length: clients }, (_, who) => {
    const events: ClientEvent[] = [];
    const sent: string[] = [];
    const outgoing$ = new Subject<{ lines: string[] }>();
    const mark = isTwice && who === 1 ? 0 : who;
    const identity = fakeIdentity(mark + 1);
    const life = { received: events, sent, stayed: false, failure: undefined as unknown };
    results.push(life);
    const client = defer(() =>
      outgoing$.pipe(
        roomClient({
          connect$: connectAs(who),
          retry: { random: () => chance },
          nick: `nick${mark}`,
          room: LOBBY,
          session: toBase64url(new Uint8Array(16).fill(who + 1)),
          senderSession: senderSessionOf(who + 1),
          identity,
          owner: { key: identity.key, sign: () => PROOF },
          verify: fakeVerify,
          hash: fakeHash,
          sign: () => PROOF,
          after: { log: '*', n: 0 },
          cipher: fakeCipher,
          keyring$: of(fakeKeyring(1)),
          now: () => Date.now(),
        }),
      ),
    );
    let subscription: Subscription | undefined;
    return {
      join: () => {
        if (subscription !== undefined) return;
        life.stayed = true;
        subscription = client.subscribe({
          next: (each) => events.push(each),
          error: (error: unknown) => {
            life.failure = error;
            life.stayed = false;
          },
        });
      },
      leave: () => {
        if (subscription === undefined) return;
        life.stayed = false;
        subscription.unsubscribe();
      },
      send: (lines: number) => {
        // Before the first welcome, nobody subscribes to the messages.
        if (!life.stayed || !events.some(({ type }) => type === 'welcome')) return;
        const texts = Array.from({ length: lines }, () => {
          const text = `${who}/${sent.length}`;
          sent.push(text);
          return text;
        });
        outgoing$.next({ lines: texts });
      },
    };
  });

  const perform = (action: Action) => {
    switch (action.do) {
      case 'say':
        return members[action.who]?.send(action.lines);
      case 'join':
      case 'leave':
        return members[action.who]?.[action.do]();
      case 'kill':
        return kill();
      case 'start':
        return start();
      case 'drain':
        return drain();
      case 'wipe':
        kill();
        wiped += 1;
        history = newStore();
        forgotten = [];
        return;
      case 'forget': {
        const { first, next } = history.positionsOf(LOBBY) ?? { first: 1, next: 1 };
        const before = Math.max(first, next - 2);
        forgotten.push(...history.lines(LOBBY).slice(0, before - first));
        return history.dropBefore(LOBBY, before);
      }
      case 'fill':
      case 'empty':
        full = action.do === 'fill';
        return;
      default:
        return links.get(action.who)?.[action.do]();
    }
  };

  start();
  // The other clients are there from the beginning.
  for (const each of members.slice(1)) each.join();
  let at = 0;
  for (const [wait, action] of actions) {
    at += wait;
    timer(at).subscribe(() => perform(action));
  }
  timer(at + 1).subscribe(() => {
    full = false;
    start();
    for (const link of links.values()) link.thaw();
  });
  timer(at + SETTLE_MS).subscribe(() => {
    log = [...forgotten, ...history.lines(LOBBY)];
    // The results are read before everything ends: events of the shutdown do not count.
    for (const [who, life] of results.entries()) {
      const { stayed } = life;
      members[who]?.leave();
      Object.assign(life, { stayed });
    }
    running.unsubscribe();
  });
  jest.advanceTimersByTime(at + SETTLE_MS);

  return { clients: results, log };
};

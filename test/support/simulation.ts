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
import type { Connection } from '../../streams/wire/connection.js';
import { ConnectionError } from '../../streams/wire/errors.js';
import { toBase64url } from '../../streams/wire/encoding.js';
import { fakeCipher, fakeKeyring } from './fakeCipher.js';
import type { LedgerFaults } from './faultyLedger.js';
import { simulatedCluster } from './simulatedCluster.js';
import { simulatedRelay } from './simulatedRelay.js';
import { fakeHash, fakeIdentity, fakeVerify, senderSessionOf } from './envelopes.js';
import type { VirtualConnection, VirtualConnectionOptions } from './virtualNetwork.js';
import { LOBBY, PROOF } from './wire.js';

/** An action in the simulation. `who` is the number of a client. */
export type Action =
  | { readonly do: 'say'; readonly who: number; readonly lines: number }
  | { readonly do: 'join' | 'leave' | 'freeze' | 'thaw' | 'reset' | 'goSilent'; readonly who: number }
  | RelayAction;

/** What happens to a relay, to the first one if it has no number. */
export type RelayAction = {
  readonly relay?: number;
  /**
   * The relay is killed, started or drained. Its store is full, or has space again, or loses all but the newest entries, or
   * the newest ones; or is lost, and the relay killed. The relay loses its connection to the engine until `heal`.
   */
  readonly do: 'kill' | 'start' | 'drain' | 'fill' | 'empty' | 'forget' | 'wipe' | 'loseEnd' | 'cut' | 'heal';
};

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
  /** Several relays share the room over an engine. By default one relay has a store of its own. */
  readonly cluster?: { readonly relays: number; readonly faults: LedgerFaults; readonly seed: number };
}

/** The relays of a simulation. */
export interface SimulatedRelays {
  /** Accepts a connection of a client, or returns `undefined` if nobody listens. */
  accept(who: number): VirtualConnection | undefined;
  perform(action: RelayAction): void;
  /** Ends all faults, and starts every relay. */
  repair(): void;
  /** The log from position 1 on, including dropped entries. */
  log(): readonly string[];
  stop(): void;
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

const runScenario = (scenario: Scenario): SimulationResult => {
  const { clients, isTwice = false, quality, actions, chance } = scenario;
  const results: ClientResult[] = [];
  let log: readonly string[] = [];
  const relays = scenario.cluster === undefined ? simulatedRelay(scenario) : simulatedCluster(scenario);
  const links = new Map<number, VirtualConnection>();

  const connectAs = (who: number): Observable<Connection> =>
    timer(quality.latencyMs).pipe(
      switchMap(() => {
        const link = relays.accept(who);
        if (link === undefined) return throwError(() => new ConnectionError('nobody listens'));
        links.set(who, link);
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
    if (!('who' in action)) relays.perform(action);
    else if (action.do === 'say') members[action.who]?.send(action.lines);
    else if (action.do === 'join' || action.do === 'leave') members[action.who]?.[action.do]();
    else links.get(action.who)?.[action.do]();
  };

  // The other clients are there from the beginning.
  for (const each of members.slice(1)) each.join();
  let at = 0;
  for (const [wait, action] of actions) {
    at += wait;
    timer(at).subscribe(() => perform(action));
  }
  timer(at + 1).subscribe(() => {
    relays.repair();
    for (const link of links.values()) link.thaw();
  });
  timer(at + SETTLE_MS).subscribe(() => {
    log = relays.log();
    // The results are read before everything ends: events of the shutdown do not count.
    for (const [who, life] of results.entries()) {
      const { stayed } = life;
      members[who]?.leave();
      Object.assign(life, { stayed });
    }
    relays.stop();
  });
  jest.advanceTimersByTime(at + SETTLE_MS);

  return { clients: results, log };
};

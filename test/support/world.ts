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
import { conversation, type Heard } from '../../streams/client/conversation.js';
import { relay } from '../../streams/relay/relay.js';
import type { Connection } from '../../streams/wire/connection.js';
import { LinkError } from '../../streams/wire/errors.js';
import { toBase64url } from '../../streams/wire/base64url.js';
import { fakeCipher, ringOf } from './fakeCipher.js';
import { fakeHistory } from './fakeHistory.js';
import { fakeHash, fakeIdentity, fakeVerify, runOf } from './people.js';
import { type Link, type LinkQuality, virtualLink } from './virtualNetwork.js';
import { LOBBY, nonce, PROOF, verify } from './wire.js';

/** What can be done to the world. `who` is the number of a client. */
export type Deed =
  | { readonly do: 'say'; readonly who: number; readonly lines: number }
  | { readonly do: 'join' | 'leave' | 'freeze' | 'thaw' | 'reset' | 'vanish'; readonly who: number }
  /** The relay: killed, started, told to stop; its store: full, not full; all but the newest entries taken away. */
  | { readonly do: 'kill' | 'start' | 'drain' | 'fill' | 'empty' | 'forget' }
  /** The relay is killed and its store is lost. */
  | { readonly do: 'wipe' };

export interface Plan {
  readonly clients: number;
  /** Whether the first two clients are one person at two places: one nick and one identity. */
  readonly isTwice?: boolean;
  readonly quality: LinkQuality;
  /** How long a commit takes, in ms. */
  readonly storing: number;
  /** Whether what the store was given when the relay was killed is in it afterwards. */
  readonly keepsInFlight: boolean;
  /** What is done, and how many ms after the deed before. */
  readonly deeds: readonly (readonly [number, Deed])[];
  /** A number from 0 up to 1, for the jitter. */
  readonly chance: number;
  /** Bytes of lines that the relay keeps in memory. */
  readonly window: number;
}

/** What became of a client. */
export interface Life {
  readonly heard: readonly Heard[];
  /** All that it said, in order. */
  readonly said: readonly string[];
  /** It was still there at the end. */
  readonly stayed: boolean;
  readonly failure: unknown;
}

export interface Outcome {
  readonly lives: readonly Life[];
  /** The log from position 1 on, as the store had it, with what it has forgotten. */
  readonly log: readonly string[];
}

/** So long, in ms, everything is left alone at the end: longer than any wait of a client, with all that follows it. */
const QUIET = 240_000;

/** Lives through a plan, in virtual time; at the end all that was broken is mended, and left alone for a while. */
export const live = (plan: Plan): Outcome => {
  // Not the scheduler of marbles: among many timers that are stopped it loses count (RxJS 7).
  jest.useFakeTimers({ now: 0 });
  const failures: unknown[] = [];
  config.onUnhandledError = (error) => failures.push(error);
  try {
    const outcome = within(plan);
    if (failures.length > 0) throw failures[0];
    return outcome;
  } finally {
    config.onUnhandledError = null;
    jest.useRealTimers();
  }
};

const within = ({
  clients,
  isTwice = false,
  quality,
  storing,
  keepsInFlight,
  deeds,
  chance,
  window,
}: Plan): Outcome => {
  const lives: Life[] = [];
  let log: readonly string[] = [];

  let full = false;
  let wiped = 0;
  let forgotten: string[] = [];
  const newStore = () =>
    fakeHistory({
      delay: () => timer(storing),
      failing: () => full,
      keepsInFlight: () => keepsInFlight,
    });
  let history = newStore();
  let listening: Subject<Connection> | undefined;
  let running = new Subscription();
  const links = new Map<number, Link>();
  const up = new Set<Link>();
  let stop$ = new Subject<void>();

  const start = () => {
    if (listening !== undefined) return;
    listening = new Subject();
    stop$ = new Subject();
    const options = {
      nonce,
      verify,
      logId: () => `log${wiped}`,
      turn$: timer(0),
      history,
      window,
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
    timer(quality.latency).pipe(
      switchMap(() => {
        if (listening === undefined) return throwError(() => new LinkError('nobody listens'));
        const link = virtualLink(quality);
        links.set(who, link);
        up.add(link);
        listening.next(link.far);
        return of(link.near);
      }),
    );

  const people = Array.from({ length: clients }, (_, who) => {
    const heard: Heard[] = [];
    const said: string[] = [];
    const say$ = new Subject<{ lines: string[] }>();
    const mark = isTwice && who === 1 ? 0 : who;
    const identity = fakeIdentity(mark + 1);
    const life = { heard, said, stayed: false, failure: undefined as unknown };
    lives.push(life);
    const talk = defer(() =>
      say$.pipe(
        conversation({
          connect$: connectAs(who),
          retry: { random: () => chance },
          nick: `nick${mark}`,
          room: LOBBY,
          session: toBase64url(new Uint8Array(16).fill(who + 1)),
          run: runOf(who + 1),
          identity,
          owner: { key: identity.key, sign: () => PROOF },
          verify: fakeVerify,
          hash: fakeHash,
          sign: () => PROOF,
          after: { log: '*', n: 0 },
          cipher: fakeCipher,
          keyring$: of(ringOf(1)),
          now: () => Date.now(),
        }),
      ),
    );
    let subscription: Subscription | undefined;
    return {
      join: () => {
        if (subscription !== undefined) return;
        life.stayed = true;
        subscription = talk.subscribe({
          next: (each) => heard.push(each),
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
      say: (lines: number) => {
        // Before the first welcome nobody listens to what is said.
        if (!life.stayed || !heard.some(({ type }) => type === 'welcome')) return;
        const texts = Array.from({ length: lines }, () => {
          const text = `${who}/${said.length}`;
          said.push(text);
          return text;
        });
        say$.next({ lines: texts });
      },
    };
  });

  const perform = (deed: Deed) => {
    switch (deed.do) {
      case 'say':
        return people[deed.who]?.say(deed.lines);
      case 'join':
      case 'leave':
        return people[deed.who]?.[deed.do]();
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
        const { first, next } = history.told(LOBBY) ?? { first: 1, next: 1 };
        const before = Math.max(first, next - 2);
        forgotten.push(...history.lines(LOBBY).slice(0, before - first));
        return history.forget(LOBBY, before);
      }
      case 'fill':
      case 'empty':
        full = deed.do === 'fill';
        return;
      default:
        return links.get(deed.who)?.[deed.do]();
    }
  };

  start();
  // The others are there from the beginning.
  for (const each of people.slice(1)) each.join();
  let at = 0;
  for (const [wait, deed] of deeds) {
    at += wait;
    timer(at).subscribe(() => perform(deed));
  }
  timer(at + 1).subscribe(() => {
    full = false;
    start();
    for (const link of links.values()) link.thaw();
  });
  timer(at + QUIET).subscribe(() => {
    log = [...forgotten, ...history.lines(LOBBY)];
    // To look first, and end everything then: what is said in parting counts no more.
    for (const [who, life] of lives.entries()) {
      const { stayed } = life;
      people[who]?.leave();
      Object.assign(life, { stayed });
    }
    running.unsubscribe();
  });
  jest.advanceTimersByTime(at + QUIET);

  return { lives, log };
};

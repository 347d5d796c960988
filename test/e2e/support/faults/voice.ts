import { defer, Subject, tap } from 'rxjs';
import {
  connectTcp,
  createIdentity,
  deriveRoomKeys,
  nodeCipher,
  sha256,
  verifySignature,
} from '../../../../src/index.js';
import { randomText } from '../../../../src/crypto/random.js';
import { conversation, type Heard } from '../../../../streams/index.js';
import { atEnd } from '../endings.js';
import type { Room } from '../relay.js';
import { HANG } from '../said.js';
import type { Hearing } from './account.js';
import { THE_END } from './readBack.js';

/**
 * Somebody in a room, within this process: so that it is known which lines have a receipt, and when. It reads the log
 * from its beginning.
 */
export interface Voice {
  readonly nick: string;
  readonly said: readonly string[];
  readonly receipted: readonly string[];
  readonly hearing: Hearing;
  /** Whether it is welcome at present. */
  readonly isIn: boolean;
  /** Whether it has heard the end. */
  readonly isOver: boolean;
  /** Says lines, each as a message of its own, without waiting for anything; it has to have been in. */
  say(lines: readonly string[]): void;
  /** Resolves once something is so; it is asked again whenever something was heard. */
  until(isSo: (voice: Voice) => boolean): Promise<void>;
  /** Goes back at once, if it waits to. */
  readonly wake: () => void;
  /** Says goodbye. */
  leave(): void;
}

/** Enters a room. `heard` is called within the very call that brings the news. */
export const startVoice = (
  room: Room,
  nick: string,
  heard: (what: Heard, voice: Voice) => void = () => undefined,
): Voice => {
  const say$ = new Subject<{ lines: readonly string[] }>();
  const woke$ = new Subject<void>();
  const said: string[] = [];
  const receipted: string[] = [];
  const lines: { position: number; index: number; text: string }[] = [];
  const holes: { from: number; to: number }[] = [];
  const waiting = new Set<() => void>();
  let isIn = false;
  let isOver = false;
  let failure: unknown;

  const take = (what: Heard) => {
    if (what.type === 'welcome' || what.type === 'offline') isIn = what.type === 'welcome';
    else if (what.type === 'stored') receipted.push(...what.lines);
    else if (what.type === 'message' && what.text === THE_END) isOver = true;
    else if (what.type === 'message') lines.push(what);
    else if (what.type === 'gap') holes.push(what);
    // Nobody lies here, whatever goes wrong.
    else if (what.type === 'alarm')
      failure ??= new Error(`an alarm at entry ${what.position}: ${what.reason}`);
    heard(what, voice);
  };
  const look = () => {
    for (const each of [...waiting]) each();
  };

  const { room: name, fernetKey, sign } = deriveRoomKeys(room.secret);
  const talking$ = say$.pipe(
    conversation({
      connect$: defer(() => connectTcp(room)),
      // Any link that was up makes the next wait a short one.
      retry: { random: () => 0, woke$, stable: 0 },
      nick,
      room: name,
      session: randomText(16),
      run: randomText(16),
      sign,
      identity: createIdentity(),
      verify: verifySignature,
      hash: sha256,
      after: { log: '*', n: 0 },
      cipher: nodeCipher(),
      keyring$: defer(() => [{ seal: fernetKey, open: [fernetKey] }]),
      now: Date.now,
    }),
    tap(take),
  );

  const voice: Voice = {
    nick,
    said,
    receipted,
    hearing: { lines, holes },
    get isIn() {
      return isIn;
    },
    get isOver() {
      return isOver;
    },
    say: (more) => {
      for (const each of more) {
        said.push(each);
        say$.next({ lines: [each] });
      }
    },
    until: (isSo) =>
      new Promise((resolve, reject) => {
        const done = () => {
          clearTimeout(hung);
          waiting.delete(attempt);
        };
        const attempt = () => {
          if (failure !== undefined) {
            done();
            reject(failure instanceof Error ? failure : new Error('it ended'));
          } else if (isSo(voice)) {
            done();
            resolve();
          }
        };
        const hung = setTimeout(() => {
          done();
          reject(new Error(`${HANG} ms passed, and it is not so for ${nick}: ${String(isSo)}`));
        }, HANG);
        waiting.add(attempt);
        attempt();
      }),
    // A link that is there would be dropped.
    wake: () => {
      if (!isIn) woke$.next();
    },
    leave: () => subscription.unsubscribe(),
  };
  const subscription = talking$.subscribe({
    next: look,
    error: (error: unknown) => {
      failure = error;
      look();
    },
  });
  atEnd(() => subscription.unsubscribe());
  return voice;
};

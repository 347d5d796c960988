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
import { inviteRelays } from '../../../../src/platform/inviteRelays.js';
import { roomClient, type ClientEvent } from '../../../../streams/index.js';
import { onCleanup } from '../cleanup.js';
import type { Room } from '../relay.js';
import { HANG_MS } from '../streamOutput.js';
import type { ListenerOutput } from './deliveryReport.js';
import { END_MARKER } from './readBack.js';

/**
 * A member within this process, so that a test knows which lines have a receipt, and when. It reads the log from its
 * beginning.
 */
export interface InProcessMember {
  readonly nick: string;
  readonly sent: readonly string[];
  readonly confirmed: readonly string[];
  readonly received: ListenerOutput;
  /** Whether it has joined and is not offline. */
  readonly isJoined: boolean;
  /** Whether it has received the end marker. */
  readonly hasEnded: boolean;
  /** Sends lines, each as a message of its own, without waiting for receipts. It must have joined once. */
  send(lines: readonly string[]): void;
  /** Resolves once the condition holds. It is checked after each event. */
  until(isSo: (voice: InProcessMember) => boolean): Promise<void>;
  /** Reconnects at once, if it is waiting to. */
  readonly retryNow: () => void;
  /** Leaves with `BYE`. */
  leave(): void;
}

/** Joins a room. Calls `receivedBy` synchronously with each event. */
export const startMember = (
  room: Room,
  nick: string,
  receivedBy: (what: ClientEvent, voice: InProcessMember) => void = () => undefined,
): InProcessMember => {
  const outgoing$ = new Subject<{ lines: readonly string[] }>();
  const wake$ = new Subject<void>();
  const sentLines: string[] = [];
  const receipted: string[] = [];
  const lines: { position: number; index: number; text: string }[] = [];
  const holes: { from: number; to: number }[] = [];
  const waiting = new Set<() => void>();
  let isIn = false;
  let isOver = false;
  let failure: unknown;

  const onEvent = (what: ClientEvent) => {
    if (what.type === 'welcome' || what.type === 'offline') isIn = what.type === 'welcome';
    else if (what.type === 'stored') receipted.push(...what.lines);
    else if (what.type === 'message' && what.text === END_MARKER) isOver = true;
    else if (what.type === 'message') lines.push(what);
    else if (what.type === 'gap') holes.push(what);
    // All members are honest, so every alarm is a bug.
    else if (what.type === 'alarm')
      failure ??= new Error(`an alarm at entry ${what.position}: ${what.reason}`);
    receivedBy(what, voice);
  };
  const checkWaiters = () => {
    for (const each of [...waiting]) each();
  };

  const { room: name, fernetKey, sign } = deriveRoomKeys(room.secret);
  const client$ = outgoing$.pipe(
    roomClient({
      connect$: defer(() => connectTcp(room)),
      // In the order of the invite, so that a test knows where the members are.
      rotation: inviteRelays(() => 0)(room, (to) => connectTcp(to)),
      // After any successful connection, the next wait is short.
      retry: { random: () => 0, wake$, stableAfterMs: 0 },
      nick,
      room: name,
      session: randomText(16),
      senderSession: randomText(16),
      sign,
      identity: createIdentity(),
      verify: verifySignature,
      hash: sha256,
      after: { log: '*', n: 0 },
      cipher: nodeCipher(),
      keyring$: defer(() => [{ seal: fernetKey, open: [fernetKey] }]),
      now: Date.now,
    }),
    tap(onEvent),
  );

  const voice: InProcessMember = {
    nick,
    sent: sentLines,
    confirmed: receipted,
    received: { lines, gaps: holes },
    get isJoined() {
      return isIn;
    },
    get hasEnded() {
      return isOver;
    },
    send: (more) => {
      for (const each of more) {
        sentLines.push(each);
        outgoing$.next({ lines: [each] });
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
          reject(new Error(`${HANG_MS} ms passed, and it is not so for ${nick}: ${String(isSo)}`));
        }, HANG_MS);
        waiting.add(attempt);
        attempt();
      }),
    // This would drop an open connection.
    retryNow: () => {
      if (!isIn) wake$.next();
    },
    leave: () => subscription.unsubscribe(),
  };
  const subscription = client$.subscribe({
    next: checkWaiters,
    error: (error: unknown) => {
      failure = error;
      checkWaiters();
    },
  });
  onCleanup(() => subscription.unsubscribe());
  return voice;
};

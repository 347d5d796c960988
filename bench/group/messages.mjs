/** Messages sealed and opened per second of CPU, in a key room and in a group room, by the operators of both. */
import { from, map, of, toArray } from 'rxjs';
import { createIdentity, deriveRoomKeys, nodeCipher, verifySignature } from '../../dist/src/index.js';
import { openInGroup } from '../../dist/streams/client/group/openInGroup.js';
import { sealInGroup } from '../../dist/streams/client/group/sealInGroup.js';
import { batchLines, encodeText, lines, open, seal } from '../../dist/streams/index.js';
import { compareRates } from './rates.mjs';
import { DAY_MS, START_MS } from './room.mjs';

const SENDER_SESSION = 'A'.repeat(22);

/** Returns what a synchronous stream emits, or throws its error. */
const collect = (stream$) => {
  let all = [];
  stream$.pipe(toArray()).subscribe({
    next: (each) => (all = each),
    error: (error) => {
      throw error;
    },
  });
  return all;
};

const keyRoom = () => {
  const identity = createIdentity();
  const { room, fernetKey } = deriveRoomKeys(new Uint8Array(32).fill(7));
  const keyring$ = of({ seal: fernetKey, open: [fernetKey] });
  const cipher = nodeCipher();
  const sealing = {
    keyring$,
    cipher,
    identity,
    nick: 'alice',
    room,
    senderSession: SENDER_SESSION,
    now: () => START_MS,
  };
  return {
    seal: (messages) => collect(from(messages).pipe(seal(sealing))),
    open: (sealed) =>
      collect(
        from(sealed.map(({ token }, at) => ({ type: 'token', position: at + 1, token }))).pipe(
          open({ keyring$, cipher, verify: verifySignature, room }),
        ),
      ),
  };
};

/** The creator of a room seals, and another member opens. Both go on in their ratchets with each round. */
const groupRoom = (room, follower) => {
  const context = room.contextOf(follower.context.device, 7 * DAY_MS);
  const reader = room.openSession(context, follower.session.state).session;
  let counter = 0;
  const toContent = (message) => {
    counter += 1;
    return { ...message, nick: 'alice', session: SENDER_SESSION, counter, time: START_MS, stored: 0 };
  };
  return {
    seal: (messages) => collect(from(messages).pipe(map(toContent), sealInGroup(room.creator.session))),
    open: (sealed) => collect(from(sealed.map(({ token }) => room.toEntry(token))).pipe(openInGroup(reader))),
  };
};

const textOf = (length) =>
  'fifty characters, as many as a line of a chat have'.repeat(Math.ceil(length / 50)).slice(0, length);

/** Returns `count` messages of each kind. No two are the same, so that none can be taken for another. */
const kindsOf = (count) => {
  const single = (length) => (n) => ({ lines: [`${n} ${textOf(length)}`.slice(0, length)] });
  const [batch] = collect(of(encodeText(`${textOf(50)}\n`.repeat(2000))).pipe(lines(), batchLines()));
  const kinds = {
    'a line of 50 characters': single(50),
    '256 characters': single(256),
    '4096 characters': single(4096),
    [`a batch of ${batch.lines.length} lines`]: (n) => ({ lines: [`${n}`, ...batch.lines.slice(1)] }),
  };
  return Object.entries(kinds).map(([kind, messageOf]) => [
    kind,
    Array.from({ length: count }, (_, n) => messageOf(n)),
  ]);
};

/** Compares a key room with a group room whose creator and `follower` are at the same position of its log. */
export const compareMessages = (room, follower, { rounds, messages }) => {
  const ways = [keyRoom(), groupRoom(room, follower)];
  return kindsOf(messages).map(([kind, each]) => ({ kind, ...compareRates(ways, each, rounds) }));
};

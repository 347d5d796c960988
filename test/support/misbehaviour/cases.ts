import { createIdentity } from '../../../src/index.js';
import type { Plaintext, Token } from '../../../streams/client/envelope/cipher.js';
import { decodeText, encodeText, toBase64url } from '../../../streams/wire/encoding.js';
import { type HostileRoom, hostileRoom, type HostileRoomOptions } from './hostileRoom.js';

/** How a receiver shows that it detected misbehaviour: the reason of an alarm, or another event. */
export type Detection =
  | 'replayed'
  | 'hole'
  | 'reordered'
  | 'counter-reused'
  | 'forked'
  | 'seen-missing'
  | 'bad-signature'
  | 'other-room'
  | 'key-changed'
  | 'undecryptable';

/** An attack on bob. */
export interface Misbehaviour {
  readonly title: string;
  readonly by: 'relay' | 'member';
  /** Bob has detected the attack if he emits one of these, at once or at the next message of an honest member. */
  readonly signs: readonly Detection[];
  readonly summarize: (scene: HostileRoom) => void;
  /** Whether bob may be shown texts that begin with `forged`. He may be shown each text once. */
  readonly mayShowForged?: boolean;
  readonly scene?: Omit<HostileRoomOptions, 'seed'>;
  /** Limit of attempts in a test, if an attack takes long. */
  readonly atMost?: number;
}

const otherMembers = ({ alice, carol }: HostileRoom) => [alice, carol];

/** Replaces a message for bob by an old one, then sends the same padding to everyone. */
const replaceForBob = (s: HostileRoom, padding: (old: Token) => readonly string[]): void => {
  const old = s.sendAndDeliver(s.carol);
  s.deliver([s.alice.send('hidden')], [s.bob]);
  s.bob.receive(old);
  s.deliver(padding(old));
};

/** Changes one character in the middle of a token. */
const tamperWith = (token: Token): Token => {
  const at = token.length >> 1;
  return (token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)) as Token;
};

/** Replaces a part of a plaintext. */
const editPlaintext = (plaintext: Plaintext, from: RegExp, to: string): Plaintext =>
  encodeText((decodeText(plaintext) ?? '').replace(from, to)) as Plaintext;

export const MISBEHAVIOURS: readonly Misbehaviour[] = [
  {
    title: 'a token is replayed',
    by: 'relay',
    signs: ['replayed'],
    summarize: (s) => {
      const who = s.pick(otherMembers(s));
      const token = s.sendAndDeliver(who);
      for (let n = 1 + Math.floor(s.random() * 5); n > 0; n -= 1) s.sendAndDeliver(who);
      s.bob.receive(token);
    },
  },
  {
    title: 'a message is sealed and sent again',
    by: 'member',
    signs: ['replayed'],
    summarize: (s) => {
      const who = s.pick(otherMembers(s));
      const token = s.sendAndDeliver(who);
      s.sendAndDeliver(who);
      s.deliver([s.seal(s.open(token))]);
    },
  },
  {
    title: 'a token is withheld from one member',
    by: 'relay',
    signs: ['hole', 'forked'],
    summarize: (s) => s.deliver([s.pick(otherMembers(s)).send('dropped')], [s.bob]),
  },
  {
    title: 'a token is dropped for everyone',
    by: 'relay',
    signs: ['hole'],
    summarize: (s) => void s.pick(otherMembers(s)).send('dropped'),
  },
  {
    title: 'two tokens of one sender are swapped',
    by: 'relay',
    signs: ['hole', 'reordered', 'forked'],
    summarize: (s) => {
      const who = s.pick(otherMembers(s));
      const [first, second] = [who.send('first'), who.send('second')];
      s.deliver([first, second], [s.bob]);
      s.bob.receive(second, first);
    },
  },
  {
    title: 'tokens of two senders are swapped',
    by: 'relay',
    signs: ['forked'],
    summarize: (s) => {
      const [first, second] = [s.alice.send('first'), s.carol.send('second')];
      s.deliver([first, second], [s.bob]);
      s.bob.receive(second, first);
    },
  },
  {
    title: 'a token of another room is inserted',
    by: 'relay',
    signs: ['undecryptable'],
    summarize: (s) => {
      const other = hostileRoom({ seed: Math.floor(s.random() * 2 ** 30) });
      s.deliver([other.alice.send('forged')]);
      other.dispose();
    },
  },
  {
    title: 'a message is copied from another room',
    by: 'member',
    signs: ['other-room'],
    summarize: (s) => {
      const other = hostileRoom({ seed: Math.floor(s.random() * 2 ** 30) });
      const { identity } = s.alice;
      const there = other.join('alice2', identity);
      s.deliver([s.seal(other.open(there.send('forged')))]);
      other.dispose();
    },
  },
  {
    title: 'a token of an earlier session is replayed',
    by: 'relay',
    signs: ['replayed'],
    summarize: (s) => {
      const { identity } = s.alice;
      const token = s.sendAndDeliver(s.alice);
      s.sendAndDeliver(s.alice);
      s.alice.leave();
      s.sendAndDeliver(s.join('alice', identity));
      s.bob.receive(token);
    },
  },
  {
    title: 'a message is moved to another session',
    by: 'member',
    signs: ['bad-signature'],
    summarize: (s) => {
      const session = /"session":"[\w-]{22}"/;
      const other = `"session":"${'A'.repeat(22)}"`;
      s.deliver([s.seal(editPlaintext(s.open(s.sendAndDeliver(s.alice, 'said')), session, other))]);
    },
  },
  {
    title: 'a token is modified',
    by: 'relay',
    signs: ['undecryptable'],
    summarize: (s) => s.bob.receive(tamperWith(s.sendAndDeliver(s.pick(otherMembers(s))))),
  },
  {
    title: 'a message reuses a counter',
    by: 'member',
    signs: ['counter-reused'],
    mayShowForged: true,
    summarize: (s) => {
      const mallory = createIdentity();
      const { key } = mallory;
      s.deliver([
        s.forge({ key, lines: ['forged 1'] }, mallory),
        s.forge({ key, lines: ['forged 2'] }, mallory),
      ]);
    },
  },
  {
    title: "a member writes under another member's key",
    by: 'member',
    signs: ['bad-signature'],
    summarize: (s) => {
      const { nick, identity } = s.pick(otherMembers(s));
      s.deliver([s.forge({ nick, key: identity.key }, createIdentity())]);
    },
  },
  {
    title: "a member modifies another member's message",
    by: 'member',
    signs: ['bad-signature'],
    summarize: (s) =>
      s.deliver([
        s.seal(editPlaintext(s.open(s.sendAndDeliver(s.alice, 'said')), /"text":"said"/, '"text":"forged"')),
      ]),
  },
  {
    title: 'two members are shown different entries',
    by: 'relay',
    signs: ['forked'],
    mayShowForged: true,
    summarize: (s) => {
      const mallory = createIdentity();
      const { key } = mallory;
      s.deliver([s.forge({ key, lines: ['forged 1'] }, mallory)], [s.bob]);
      s.bob.receive(s.forge({ key, lines: ['forged 2'] }, mallory));
    },
  },
  {
    title: 'two members are shown different log ids',
    by: 'relay',
    signs: ['forked'],
    scene: { hasTraffic: false, logIdFor: (nick) => (nick === 'bob' ? 'log2' : 'log1') },
    summarize: (s) => void s.sendAndDeliver(s.alice),
  },
  {
    title: 'a log is announced as the continuation of another one',
    by: 'relay',
    signs: ['forked'],
    scene: {
      hasTraffic: false,
      logIdFor: (nick) => (nick === 'bob' ? 'log2' : 'log1'),
      ancestorsFor: (nick) => (nick === 'bob' ? [{ log: 'log1', n: 1 }] : []),
    },
    // The first message may be of before the restoration.
    summarize: (s) => void s.sendAndDeliver(s.alice),
  },
  {
    title: 'the newest entries are withheld',
    by: 'relay',
    signs: ['hole', 'forked'],
    summarize: (s) => {
      for (let n = 1 + Math.floor(s.random() * 4); n > 0; n -= 1)
        s.deliver([s.pick(otherMembers(s)).send('withheld')], [s.bob]);
    },
  },
  {
    title: 'a known nick appears with another key',
    by: 'member',
    signs: ['key-changed'],
    mayShowForged: true,
    summarize: (s) => {
      const mallory = createIdentity();
      s.sendAndDeliver(s.alice);
      s.deliver([s.forge({ nick: s.pick(['alice', 'Alice', 'ALICE']), key: mallory.key }, mallory)]);
    },
  },
  {
    title: 'a message is replaced by an old one',
    by: 'relay',
    signs: ['forked'],
    summarize: (s) => replaceForBob(s, () => []),
  },
  {
    title: 'a message is replaced by an old one, and 1100 copies follow',
    by: 'relay',
    signs: ['forked'],
    atMost: 2,
    summarize: (s) => replaceForBob(s, (old) => Array<string>(1100).fill(old)),
  },
  {
    title: 'a message is replaced by an old one, and 10 000 announcements follow',
    by: 'relay',
    signs: ['forked'],
    atMost: 3,
    summarize: (s) =>
      replaceForBob(s, () => Array.from({ length: 10_000 }, (_, n) => (n % 2 === 0 ? '+dave' : '-dave'))),
  },
  {
    title: 'one old message is replayed many times',
    by: 'relay',
    signs: ['replayed'],
    summarize: (s) => {
      const old = s.sendAndDeliver(s.pick(otherMembers(s)));
      s.deliver([old, old]);
    },
  },
  {
    title: 'many old messages are replayed',
    by: 'relay',
    signs: ['replayed'],
    atMost: 2,
    summarize: (s) => {
      const old = Array.from({ length: 200 }, (_, n) => {
        const mallory = createIdentity();
        return s.forge({ nick: `m${n}`, key: mallory.key, lines: [`said ${n}`] }, mallory);
      });
      s.deliver([...old, ...old]);
    },
  },
  {
    title: "a member floods the room, then replays another member's message",
    by: 'member',
    signs: ['replayed'],
    atMost: 1,
    summarize: (s) => {
      const token = s.sendAndDeliver(s.alice);
      s.sendAndDeliver(s.alice);
      const { key, ...mallory } = createIdentity();
      for (let n = 1; n <= 3000; n += 1) {
        const session = toBase64url(encodeText(`session ${n}`.padEnd(16)));
        s.deliver([s.forge({ key, session, lines: [`said ${n}`] }, { key, ...mallory })], otherMembers(s));
      }
      s.bob.receive(s.seal(s.open(token)));
    },
  },
  {
    title: 'a member omits seen',
    by: 'member',
    signs: ['seen-missing'],
    mayShowForged: true,
    summarize: (s) => {
      const mallory = createIdentity();
      s.deliver([s.forge({ key: mallory.key, counter: 2, stored: 1 }, mallory)]);
    },
  },
  {
    title: 'an announcement is modified',
    by: 'relay',
    signs: ['forked'],
    summarize: (s) => {
      s.deliver(['+dave'], [s.bob]);
      s.bob.receive(s.pick(['+erin', '-dave', '+dave,erin']));
    },
  },
  {
    title: 'an announcement is forged',
    by: 'relay',
    signs: ['forked'],
    summarize: (s) => s.bob.receive(s.pick(['-carol', '+mallory'])),
  },
  {
    title: 'an announcement is dropped',
    by: 'relay',
    signs: ['forked'],
    summarize: (s) => s.deliver(['+mallory'], [s.bob]),
  },
];

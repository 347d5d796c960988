import { createIdentity } from '../../../src/index.js';
import type { Plaintext, Token } from '../../../streams/client/cipher.js';
import { toBase64url } from '../../../streams/wire/base64url.js';
import { decodeText, encodeText } from '../../../streams/wire/utf8.js';
import { type Scene, scene, type SceneOptions } from './scene.js';

/** By what a receiver shows that it has noticed: the reason of an alarm, or another value. */
export type Sign =
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

/** A lie that bob is told. */
export interface Lie {
  readonly lie: string;
  readonly by: 'relay' | 'member';
  /** One of these shows that bob has noticed, at once or at the next message of somebody honest. */
  readonly signs: readonly Sign[];
  readonly tell: (scene: Scene) => void;
  /** How often bob may be shown each text; what begins with `forged` never, unless it is said here. */
  readonly mayShowForged?: boolean;
  readonly scene?: Omit<SceneOptions, 'seed'>;
  /** How often a test tells it at most, where it takes long. */
  readonly atMost?: number;
}

const others = ({ alice, carol }: Scene) => [alice, carol];

/** Shows bob something else in the place of a message, and then everybody the same for a while. */
const hide = (s: Scene, padding: (old: Token) => readonly string[]): void => {
  const old = s.talk(s.carol);
  s.publish([s.alice.say('hidden')], [s.bob]);
  s.bob.show(old);
  s.publish(padding(old));
};

/** The same token, one character in its middle changed. */
const tampered = (token: Token): Token => {
  const at = token.length >> 1;
  return (token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)) as Token;
};

/** The same plaintext with something replaced. */
const edited = (plaintext: Plaintext, from: RegExp, to: string): Plaintext =>
  encodeText((decodeText(plaintext) ?? '').replace(from, to)) as Plaintext;

export const LIES: readonly Lie[] = [
  {
    lie: 'a token is put in again',
    by: 'relay',
    signs: ['replayed'],
    tell: (s) => {
      const who = s.pick(others(s));
      const token = s.talk(who);
      for (let n = 1 + Math.floor(s.random() * 5); n > 0; n -= 1) s.talk(who);
      s.bob.show(token);
    },
  },
  {
    lie: 'a message is sealed again and sent again',
    by: 'member',
    signs: ['replayed'],
    tell: (s) => {
      const who = s.pick(others(s));
      const token = s.talk(who);
      s.talk(who);
      s.publish([s.seal(s.open(token))]);
    },
  },
  {
    lie: 'a token is left out for one member',
    by: 'relay',
    signs: ['hole', 'forked'],
    tell: (s) => s.publish([s.pick(others(s)).say('dropped')], [s.bob]),
  },
  {
    lie: 'a token is left out for all',
    by: 'relay',
    signs: ['hole'],
    tell: (s) => void s.pick(others(s)).say('dropped'),
  },
  {
    lie: 'two tokens of one sender change places',
    by: 'relay',
    signs: ['hole', 'reordered', 'forked'],
    tell: (s) => {
      const who = s.pick(others(s));
      const [first, second] = [who.say('first'), who.say('second')];
      s.publish([first, second], [s.bob]);
      s.bob.show(second, first);
    },
  },
  {
    lie: 'tokens of two senders change places',
    by: 'relay',
    signs: ['forked'],
    tell: (s) => {
      const [first, second] = [s.alice.say('first'), s.carol.say('second')];
      s.publish([first, second], [s.bob]);
      s.bob.show(second, first);
    },
  },
  {
    lie: 'a token of another room is put in',
    by: 'relay',
    signs: ['undecryptable'],
    tell: (s) => {
      const other = scene({ seed: Math.floor(s.random() * 2 ** 30) });
      s.publish([other.alice.say('forged')]);
      other.end();
    },
  },
  {
    lie: 'a message is carried over from another room',
    by: 'member',
    signs: ['other-room'],
    tell: (s) => {
      const other = scene({ seed: Math.floor(s.random() * 2 ** 30) });
      const { identity } = s.alice;
      const there = other.join('alice2', identity);
      s.publish([s.seal(other.open(there.say('forged')))]);
      other.end();
    },
  },
  {
    lie: 'a token of an earlier session is put in again',
    by: 'relay',
    signs: ['replayed'],
    tell: (s) => {
      const { identity } = s.alice;
      const token = s.talk(s.alice);
      s.talk(s.alice);
      s.alice.leave();
      s.talk(s.join('alice', identity));
      s.bob.show(token);
    },
  },
  {
    lie: 'a message is put into another session',
    by: 'member',
    signs: ['bad-signature'],
    tell: (s) => {
      const session = /"session":"[\w-]{22}"/;
      const other = `"session":"${'A'.repeat(22)}"`;
      s.publish([s.seal(edited(s.open(s.talk(s.alice, 'said')), session, other))]);
    },
  },
  {
    lie: 'a token is tampered with',
    by: 'relay',
    signs: ['undecryptable'],
    tell: (s) => s.bob.show(tampered(s.talk(s.pick(others(s))))),
  },
  {
    lie: 'a second message has the same number',
    by: 'member',
    signs: ['counter-reused'],
    mayShowForged: true,
    tell: (s) => {
      const mallory = createIdentity();
      const { key } = mallory;
      s.publish([
        s.forge({ key, lines: ['forged 1'] }, mallory),
        s.forge({ key, lines: ['forged 2'] }, mallory),
      ]);
    },
  },
  {
    lie: 'a member writes under the key of another',
    by: 'member',
    signs: ['bad-signature'],
    tell: (s) => {
      const { nick, identity } = s.pick(others(s));
      s.publish([s.forge({ nick, key: identity.key }, createIdentity())]);
    },
  },
  {
    lie: 'a member changes what another has said',
    by: 'member',
    signs: ['bad-signature'],
    tell: (s) =>
      s.publish([s.seal(edited(s.open(s.talk(s.alice, 'said')), /"text":"said"/, '"text":"forged"'))]),
  },
  {
    lie: 'two members are shown different entries',
    by: 'relay',
    signs: ['forked'],
    mayShowForged: true,
    tell: (s) => {
      const mallory = createIdentity();
      const { key } = mallory;
      s.publish([s.forge({ key, lines: ['forged 1'] }, mallory)], [s.bob]);
      s.bob.show(s.forge({ key, lines: ['forged 2'] }, mallory));
    },
  },
  {
    lie: 'two members are told of two logs',
    by: 'relay',
    signs: ['forked'],
    scene: { warm: false, logOf: (nick) => (nick === 'bob' ? 'log2' : 'log1') },
    tell: (s) => void s.talk(s.alice),
  },
  {
    lie: 'the newest entries are withheld',
    by: 'relay',
    signs: ['hole', 'forked'],
    tell: (s) => {
      for (let n = 1 + Math.floor(s.random() * 4); n > 0; n -= 1)
        s.publish([s.pick(others(s)).say('withheld')], [s.bob]);
    },
  },
  {
    lie: 'a nick comes with another key',
    by: 'member',
    signs: ['key-changed'],
    mayShowForged: true,
    tell: (s) => {
      const mallory = createIdentity();
      s.talk(s.alice);
      s.publish([s.forge({ nick: s.pick(['alice', 'Alice', 'ALICE']), key: mallory.key }, mallory)]);
    },
  },
  {
    lie: 'a message is hidden behind an old one',
    by: 'relay',
    signs: ['forked'],
    tell: (s) => hide(s, () => []),
  },
  {
    lie: 'a message is hidden behind an old one, and 1100 of it follow',
    by: 'relay',
    signs: ['forked'],
    atMost: 2,
    tell: (s) => hide(s, (old) => Array<string>(1100).fill(old)),
  },
  {
    lie: 'a message is hidden behind an old one, and 10 000 announcements follow',
    by: 'relay',
    signs: ['forked'],
    atMost: 3,
    tell: (s) => hide(s, () => Array.from({ length: 10_000 }, (_, n) => (n % 2 === 0 ? '+dave' : '-dave'))),
  },
  {
    lie: 'the same old message is put in again and again',
    by: 'relay',
    signs: ['replayed'],
    tell: (s) => {
      const old = s.talk(s.pick(others(s)));
      s.publish([old, old]);
    },
  },
  {
    lie: 'many old messages are put in again',
    by: 'relay',
    signs: ['replayed'],
    atMost: 2,
    tell: (s) => {
      const old = Array.from({ length: 200 }, (_, n) => {
        const mallory = createIdentity();
        return s.forge({ nick: `m${n}`, key: mallory.key, lines: [`said ${n}`] }, mallory);
      });
      s.publish([...old, ...old]);
    },
  },
  {
    lie: 'a member floods the room, and puts in again what another said',
    by: 'member',
    signs: ['replayed'],
    atMost: 1,
    tell: (s) => {
      const token = s.talk(s.alice);
      s.talk(s.alice);
      const { key, ...mallory } = createIdentity();
      for (let n = 1; n <= 3000; n += 1) {
        const session = toBase64url(encodeText(`session ${n}`.padEnd(16)));
        s.publish([s.forge({ key, session, lines: [`said ${n}`] }, { key, ...mallory })], others(s));
      }
      s.bob.show(s.seal(s.open(token)));
    },
  },
  {
    lie: 'a member does not say what it has read',
    by: 'member',
    signs: ['seen-missing'],
    mayShowForged: true,
    tell: (s) => {
      const mallory = createIdentity();
      s.publish([s.forge({ key: mallory.key, counter: 2, stored: 1 }, mallory)]);
    },
  },
  {
    lie: 'an announcement is changed',
    by: 'relay',
    signs: ['forked'],
    tell: (s) => {
      s.publish(['+dave'], [s.bob]);
      s.bob.show(s.pick(['+erin', '-dave', '+dave,erin']));
    },
  },
  {
    lie: 'an announcement is made up',
    by: 'relay',
    signs: ['forked'],
    tell: (s) => s.bob.show(s.pick(['-carol', '+mallory'])),
  },
  {
    lie: 'an announcement is left out',
    by: 'relay',
    signs: ['forked'],
    tell: (s) => s.publish(['+mallory'], [s.bob]),
  },
];

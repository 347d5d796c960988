import { createIdentity } from '../../../src/index.js';
import type { Plaintext, Token } from '../../../streams/client/cipher.js';
import { decodeText, encodeText } from '../../../streams/wire/utf8.js';
import { type Scene, scene, type SceneOptions } from './scene.js';

/** By what a receiver shows that it has noticed: the reason of an alarm, or another value. */
export type Sign =
  | 'replayed'
  | 'hole'
  | 'reordered'
  | 'counter-reused'
  | 'forked'
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
}

const others = ({ alice, carol }: Scene) => [alice, carol];

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

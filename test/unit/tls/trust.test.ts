import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isSecured } from '../../../src/cli/address.js';
import { readLink, readPin } from '../../../src/cli/relayLink.js';
import { createInvite } from '../../../src/invite/invite.js';
import { knownRelays } from '../../../src/tls/knownRelays.js';
import {
  type Accept,
  byAuthority,
  byPin,
  explainProblem,
  onFirstUse,
  TrustError,
} from '../../../src/tls/trust.js';

const [ONE, OTHER] = ['A'.repeat(43), `B${'A'.repeat(42)}`];
const WHERE = { host: 'chat.example.org', port: 4000 };
const SELF_SIGNED = 'DEPTH_ZERO_SELF_SIGNED_CERT';

/** Why a relay is not taken; nothing where it is. */
const refusal = (accept: Accept, pin: string, problem: string | undefined = SELF_SIGNED) => {
  try {
    accept({ pin, problem });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(TrustError);
    return (error as TrustError).message;
  }
};

describe('a relay is taken', () => {
  test('by its pin, whoever vouches for it or not', () => {
    const accept = byPin(ONE, WHERE);
    expect([refusal(accept, ONE), refusal(accept, ONE, 'CERT_HAS_EXPIRED')]).toStrictEqual([
      undefined,
      undefined,
    ]);
    const message = 'the relay at chat.example.org:4000 has another key than the one that it should have';
    // An authority that can be had to say anything does not make up for it.
    const vouched = () => {
      accept({ pin: OTHER, problem: undefined });
    };
    expect(vouched).toThrow(message);
    expect(refusal(accept, OTHER)).toBe(message);
  });

  test('where authorities vouch for it', () => {
    const accept = byAuthority(WHERE);
    expect(() => {
      accept({ pin: ONE, problem: undefined });
    }).not.toThrow();
    expect(refusal(accept, ONE)).toBe(
      'cannot tell whether the relay at chat.example.org:4000 is the right one: it made its certificate itself',
    );
    expect(refusal(accept, ONE, 'ERR_TLS_CERT_ALTNAME_INVALID')).toContain(
      'its certificate is for another host',
    );
    expect(explainProblem('SOMETHING_ELSE')).toBe('something_else');
  });
});

describe('a relay that is met', () => {
  let dir: string;
  let told: string[];
  beforeEach(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'rxchat-trust-')), 'data');
    told = [];
  });
  afterEach(() => {
    rmSync(join(dir, '..'), { recursive: true, force: true });
  });
  const path = () => join(dir, 'known-relays');
  const accept = (acceptKey = false, where = WHERE) =>
    onFirstUse(where, {
      known: knownRelays(dir, ({ message }) => void told.push(message)),
      acceptKey,
      tell: (text) => void told.push(text),
    });

  test('for the first time is told and trusted from then on', () => {
    expect(refusal(accept(), ONE)).toBeUndefined();
    expect(told).toStrictEqual([
      `the relay at chat.example.org:4000 is met for the first time and trusted from now on; its pin is ${ONE}`,
    ]);
    expect(readFileSync(path(), 'utf8')).toBe(`chat.example.org:4000 ${ONE}\n`);
    expect([statSync(dir).mode & 0o777, statSync(path()).mode & 0o777]).toStrictEqual([0o700, 0o600]);
    expect(refusal(accept(), ONE)).toBeUndefined();
    expect(told).toHaveLength(1);
  });

  test('with another key is refused, unless that is accepted, and then for good', () => {
    refusal(accept(), ONE);
    const message =
      'the relay at chat.example.org:4000 has another key than last time: somebody may be in between';
    expect(refusal(accept(), OTHER)).toBe(message);
    expect(refusal(accept(), ONE)).toBeUndefined();
    expect(refusal(accept(true), OTHER)).toBeUndefined();
    expect(told[1]).toBe(
      `the relay at chat.example.org:4000 has a new key, which is trusted from now on; its pin is ${OTHER}`,
    );
    expect([refusal(accept(), OTHER), refusal(accept(), ONE)]).toStrictEqual([undefined, message]);
  });

  test('is known until the process ends if it cannot be kept, and that is told', () => {
    mkdirSync(dir);
    writeFileSync(join(dir, 'file'), '');
    const known = knownRelays(join(dir, 'file'), ({ message }) => void told.push(message));
    const decide = onFirstUse(WHERE, { known, acceptKey: false, tell: () => undefined });
    expect([refusal(decide, ONE), refusal(decide, ONE)]).toStrictEqual([undefined, undefined]);
    expect(refusal(decide, OTHER)).toContain('another key than last time');
    expect(told).toStrictEqual([
      `cannot write ${join(dir, 'file', 'known-relays')}: a part of the path is not a directory`,
    ]);
  });

  test('is not looked for in a file that others can change', () => {
    refusal(accept(), ONE);
    chmodSync(path(), 0o622);
    expect(() => {
      accept()({ pin: ONE, problem: SELF_SIGNED });
    }).toThrow(/is open to others \(mode 0622\): chmod go-w /);
    chmodSync(path(), 0o644);
    expect(refusal(accept(), ONE)).toBeUndefined();
  });

  test('is kept whole behind half a line that a full disk has left', () => {
    refusal(accept(), ONE);
    appendFileSync(path(), 'other.example:1 AB');
    refusal(accept(false, { ...WHERE, port: 4001 }), OTHER);
    expect(refusal(accept(false, { ...WHERE, port: 4001 }), ONE)).toContain('another key');
  });

  test('is another one at another address', () => {
    refusal(accept(), ONE);
    expect(refusal(accept(false, { ...WHERE, port: 4001 }), OTHER)).toBeUndefined();
    expect(refusal(accept(false, { ...WHERE, host: 'CHAT.example.org' }), OTHER)).toContain('another key');
  });

  test('is not remembered where authorities vouch for it', () => {
    accept()({ pin: ONE, problem: undefined });
    expect(told).toStrictEqual([]);
    expect(() => statSync(path())).toThrow('ENOENT');
  });

  test('is known by the whole lines of the file, whatever else is in it', () => {
    refusal(accept(), ONE);
    appendFileSync(path(), `rubbish\nchat.example.org:4000 short\nchat.example.org:400 ${OTHER}\n`);
    expect(refusal(accept(), ONE)).toBeUndefined();
    writeFileSync(path(), '');
    expect(refusal(accept(), OTHER)).toBeUndefined();
    expect(told).toHaveLength(2);
  });
});

describe('TLS is spoken', () => {
  test.each<[string, Record<string, boolean>, boolean]>([
    ['chat.example.org', {}, true],
    ['10.0.0.1', {}, true],
    ['0.0.0.0', {}, true],
    ['::', {}, true],
    ['chat.example.org', { plain: true }, false],
    ['chat.example.org', { tls: true }, true],
    ['127.0.0.1', {}, false],
    ['localhost', {}, false],
    ['::1', {}, false],
    ['127.0.0.1', { tls: true }, true],
    ['127.0.0.1', { plain: true }, false],
  ])('with %s and %j: %p', (host, flags, is) => {
    expect(isSecured(host, flags)).toBe(is);
  });

  test('or not, but not both', () => {
    expect(() => isSecured('::1', { tls: true, plain: true })).toThrow(
      '--tls and --plain exclude each other',
    );
  });

  test('with a relay whose pin one has, and --plain is refused', () => {
    const invite = createInvite({ host: '127.0.0.1', port: 1, pin: ONE });
    expect(() => readLink(invite, { plain: true })).toThrow('the invite has the pin of a relay with TLS');
  });

  test('with a pin that is one', () => {
    expect([readPin({}), readPin({ pin: ONE })]).toStrictEqual([undefined, ONE]);
    expect(() => readPin({ pin: ONE.slice(1) })).toThrow('--pin needs 43 characters of base64url');
  });
});

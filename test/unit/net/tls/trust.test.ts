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
import { usesTls } from '../../../../src/cli/shared/addressFlags.js';
import { connectFromFlags, pinFromFlags } from '../../../../src/cli/shared/connectFromFlags.js';
import { createInvite } from '../../../../src/invite/invite.js';
import {
  describeTlsProblem,
  openKnownRelays,
  trustAuthority,
  TrustError,
  trustPin,
  type TrustPolicy,
  trustRelayOnFirstUse,
} from '../../../../src/net/tls/trust.js';

const [ONE, OTHER] = ['A'.repeat(43), `B${'A'.repeat(42)}`];
const WHERE = { host: 'chat.example.org', port: 4000 };
const SELF_SIGNED = 'DEPTH_ZERO_SELF_SIGNED_CERT';

/** Returns the reason why a relay is rejected, or `undefined` if it is accepted. */
const refusal = (accept: TrustPolicy, pin: string, problem: string | undefined = SELF_SIGNED) => {
  try {
    accept({ pin, problem });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(TrustError);
    return (error as TrustError).message;
  }
};

describe('a relay is trusted', () => {
  test('by its pin, whatever its authority', () => {
    const accept = trustPin(ONE, WHERE);
    expect([refusal(accept, ONE), refusal(accept, ONE, 'CERT_HAS_EXPIRED')]).toStrictEqual([
      undefined,
      undefined,
    ]);
    const message = 'the relay at chat.example.org:4000 has a different key than expected';
    // A trusted certificate does not replace the expected pin.
    const vouched = () => {
      accept({ pin: OTHER, problem: undefined });
    };
    expect(vouched).toThrow(message);
    expect(refusal(accept, OTHER)).toBe(message);
  });

  test('when a system authority confirms its certificate', () => {
    const accept = trustAuthority(WHERE);
    expect(() => {
      accept({ pin: ONE, problem: undefined });
    }).not.toThrow();
    expect(refusal(accept, ONE)).toBe(
      'cannot verify the relay at chat.example.org:4000: its certificate is self-signed',
    );
    expect(refusal(accept, ONE, 'ERR_TLS_CERT_ALTNAME_INVALID')).toContain(
      'its certificate is for another host',
    );
    expect(describeTlsProblem('SOMETHING_ELSE')).toBe('something_else');
  });
});

describe('a relay without a pin', () => {
  let dir: string;
  let reported: string[];
  beforeEach(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'rxchat-trust-')), 'data');
    reported = [];
  });
  afterEach(() => {
    rmSync(join(dir, '..'), { recursive: true, force: true });
  });
  const path = () => join(dir, 'known-relays');
  const accept = (acceptKey = false, where = WHERE) =>
    trustRelayOnFirstUse(where, {
      known: openKnownRelays(dir, ({ message }) => void reported.push(message)),
      acceptChangedKey: acceptKey,
      notify: (text) => void reported.push(text),
    });

  test('is reported and trusted at the first connection', () => {
    expect(refusal(accept(), ONE)).toBeUndefined();
    expect(reported).toStrictEqual([
      `first connection to the relay at chat.example.org:4000; its key is trusted from now on (pin ${ONE})`,
    ]);
    expect(readFileSync(path(), 'utf8')).toBe(`chat.example.org:4000 ${ONE}\n`);
    expect([statSync(dir).mode & 0o777, statSync(path()).mode & 0o777]).toStrictEqual([0o700, 0o600]);
    expect(refusal(accept(), ONE)).toBeUndefined();
    expect(reported).toHaveLength(1);
  });

  test('is rejected with another key, unless that key is accepted, which is saved', () => {
    refusal(accept(), ONE);
    const message =
      'the relay at chat.example.org:4000 has a different key than last time; this may be an attack';
    expect(refusal(accept(), OTHER)).toBe(message);
    expect(refusal(accept(), ONE)).toBeUndefined();
    expect(refusal(accept(true), OTHER)).toBeUndefined();
    expect(reported[1]).toBe(
      `the relay at chat.example.org:4000 has a new key, which is trusted from now on (pin ${OTHER})`,
    );
    expect([refusal(accept(), OTHER), refusal(accept(), ONE)]).toStrictEqual([undefined, message]);
  });

  test('is known until the process ends when it cannot be saved, and the error is reported', () => {
    mkdirSync(dir);
    writeFileSync(join(dir, 'file'), '');
    const known = openKnownRelays(join(dir, 'file'), ({ message }) => void reported.push(message));
    const decide = trustRelayOnFirstUse(WHERE, { known, acceptChangedKey: false, notify: () => undefined });
    expect([refusal(decide, ONE), refusal(decide, ONE)]).toStrictEqual([undefined, undefined]);
    expect(refusal(decide, OTHER)).toContain('a different key than last time');
    expect(reported).toStrictEqual([
      `cannot write ${join(dir, 'file', 'known-relays')}: a part of the path is not a directory`,
    ]);
  });

  test('is not looked up in a file that others can change', () => {
    refusal(accept(), ONE);
    chmodSync(path(), 0o622);
    expect(() => {
      accept()({ pin: ONE, problem: SELF_SIGNED });
    }).toThrow(/is open to others \(mode 0622\): chmod go-w /);
    chmodSync(path(), 0o644);
    expect(refusal(accept(), ONE)).toBeUndefined();
  });

  test('is saved on its own line after a truncated line', () => {
    refusal(accept(), ONE);
    appendFileSync(path(), 'other.example:1 AB');
    refusal(accept(false, { ...WHERE, port: 4001 }), OTHER);
    expect(refusal(accept(false, { ...WHERE, port: 4001 }), ONE)).toContain('a different key');
  });

  test('is another relay at another address', () => {
    refusal(accept(), ONE);
    expect(refusal(accept(false, { ...WHERE, port: 4001 }), OTHER)).toBeUndefined();
    expect(refusal(accept(false, { ...WHERE, host: 'CHAT.example.org' }), OTHER)).toContain(
      'a different key',
    );
  });

  test('is not saved when a system authority confirms its certificate', () => {
    accept()({ pin: ONE, problem: undefined });
    expect(reported).toStrictEqual([]);
    expect(() => statSync(path())).toThrow('ENOENT');
  });

  test('is known from the complete lines of the file, whatever else it contains', () => {
    refusal(accept(), ONE);
    appendFileSync(path(), `rubbish\nchat.example.org:4000 short\nchat.example.org:400 ${OTHER}\n`);
    expect(refusal(accept(), ONE)).toBeUndefined();
    writeFileSync(path(), '');
    expect(refusal(accept(), OTHER)).toBeUndefined();
    expect(reported).toHaveLength(2);
  });
});

describe('TLS is used', () => {
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
    expect(usesTls(host, flags)).toBe(is);
  });

  test('--tls and --plain cannot be combined', () => {
    expect(() => usesTls('::1', { tls: true, plain: true })).toThrow('--tls and --plain exclude each other');
  });

  test('--plain is rejected for a relay with a pin', () => {
    const invite = createInvite({ host: '127.0.0.1', port: 1, pin: ONE });
    expect(() => connectFromFlags(invite, { plain: true })).toThrow(
      'the invite has the pin of a relay with TLS',
    );
  });

  test('--pin is rejected when it is not a pin', () => {
    expect([pinFromFlags({}), pinFromFlags({ pin: ONE })]).toStrictEqual([undefined, ONE]);
    expect(() => pinFromFlags({ pin: ONE.slice(1) })).toThrow('--pin needs 43 characters of base64url');
  });
});

import { describe, expect, test } from '@jest/globals';
import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto';
import { createFernetCipher } from '../../../src/crypto/fernet.js';
import { nodeBase64url } from '../../../src/crypto/nodeCipher.js';
import type { Cipher, Token } from '../../../streams/client/envelope/cipher.js';
import { applyFrame } from '../../../streams/client/group/applyFrame.js';
import { equalBytes } from '../../../streams/client/group/bytes.js';
import { type Frame, openFrame } from '../../../streams/client/group/frame.js';
import { createHpke, createStarEngine, type CryptoSuite } from '../../../streams/client/group/index.js';
import { bytesToToken, tokenToBytes } from '../../../streams/client/group/tokenBytes.js';
import { constantTimeEqualBytes } from '../../../streams/wire/index.js';
import { flipBit, seededRandom, SUITES } from '../../support/cryptoSuites.js';
import { engineStateOf } from '../../support/group/sessionDevice.js';
import { partsOf, sessionRoomOfThree } from '../../support/group/sessionRoom.js';
import { attackedStar } from '../../support/group/starAttacker.js';

// A shared machine cannot measure time. These tests compare the operations that were done, with the sizes of their input.

const TAG_BYTES = 32;
const EACH_BYTE = [...Array(TAG_BYTES).keys()];

type Trace = (name: string, ...inputs: readonly Uint8Array[]) => void;

/** A suite that notes each of its operations. */
const tracedSuite = (suite: CryptoSuite, trace: Trace): CryptoSuite => {
  const traced =
    <Inputs extends readonly Uint8Array[], Result>(name: string, run: (...inputs: Inputs) => Result) =>
    (...inputs: Inputs): Result => {
      trace(name, ...inputs);
      return run(...inputs);
    };
  return {
    ...suite,
    sha256: traced('sha256', suite.sha256),
    hmac: traced('hmac', suite.hmac),
    hkdfExtract: traced('hkdfExtract', suite.hkdfExtract),
    hkdfExpand: (key, info, lengthBytes) => {
      trace('hkdfExpand', key, info);
      return suite.hkdfExpand(key, info, lengthBytes);
    },
    x25519: { ...suite.x25519, sharedSecret: traced('sharedSecret', suite.x25519.sharedSecret) },
    ed25519: { ...suite.ed25519, verify: traced('verify', suite.ed25519.verify) },
    aead: { ...suite.aead, open: traced('aead', suite.aead.open) },
  };
};

/** A Fernet cipher that notes each of its operations. */
const tracedCipher = ({ hmac }: CryptoSuite, trace: Trace): Cipher =>
  createFernetCipher(
    {
      encrypt: (key, iv, plaintext) => {
        const cipher = createCipheriv('aes-128-cbc', key, iv);
        return Buffer.concat([cipher.update(plaintext), cipher.final()]);
      },
      decrypt: (key, iv, ciphertext) => {
        trace('decrypt', ciphertext);
        const decipher = createDecipheriv('aes-128-cbc', key, iv);
        return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
      },
      hmac,
      isEqual: (one, other) => {
        trace('isEqual', one, other);
        return timingSafeEqual(one, other);
      },
      base64url: nodeBase64url,
    },
    () => new Uint8Array(16),
  );

describe.each(SUITES)('the time that something takes, on %s', (_name, createSuite) => {
  const { room, alice, bob, carol } = sessionRoomOfThree(attackedStar(createSuite(seededRandom('timing'))));
  const outerKey = room.outerKeyOf(room.inviteSecret);

  /** Calls a function, and returns what it returned and which operations it did. */
  const traced = <T>(run: (suite: CryptoSuite, cipher: Cipher) => T) => {
    const operations: string[] = [];
    const trace: Trace = (operation, ...inputs) =>
      operations.push([operation, ...inputs.map(({ length }) => length)].join(' '));
    const suite = tracedSuite(room.suite, trace);
    const result = run(suite, tracedCipher(suite, trace));
    return { result, operations };
  };
  const read = (frame: Frame) =>
    traced((suite, cipher) => {
      const context = {
        ...carol.context,
        suite,
        cipher,
        hpke: createHpke(suite),
        engine: createStarEngine(suite),
      };
      const entry = { position: room.log.length, token: 'token' as Token, frame, timeMs: 0 };
      const [event] = applyFrame(context, carol.session.state, entry).events;
      return event?.type === 'rejected' || event?.type === 'undecryptable' ? event.reason : event?.type;
    });
  /** All of them did the same, and there was something to do. */
  const expectSame = (
    reason: string,
    attempts: readonly { readonly result: unknown; readonly operations: readonly string[] }[],
  ): readonly string[] => {
    expect(new Set(attempts.map(({ result }) => result))).toStrictEqual(new Set([reason]));
    const [first] = attempts;
    for (const { operations } of attempts) expect(operations).toStrictEqual(first?.operations);
    return first?.operations ?? [];
  };

  test('37: a token is compared once, whichever byte of its tag is wrong', () => {
    const frame = room.send(alice, 'hello');
    const token = room.log.at(-1)!;
    room.read(alice, bob, carol);
    const right = traced((_suite, cipher) => openFrame(cipher, outerKey, token));
    expect(right.result).toStrictEqual(frame);
    const bytes = tokenToBytes(token);
    const attempts = EACH_BYTE.map((at) => {
      const bent = bytesToToken(flipBit(bytes, bytes.length - 1 - at));
      return traced((_suite, cipher) => openFrame(cipher, outerKey, bent));
    });
    const operations = expectSame('wrong key or tampered', attempts);
    expect(operations.map((each) => each.split(' ')[0])).toStrictEqual(['hmac', 'isEqual']);
    expect(right.operations.slice(0, 2)).toStrictEqual(operations);
  });

  test('37: a message is compared once, for each wrong byte of its tag and each sender', () => {
    const messages = [alice, bob].map((sender) => room.send(sender, 'hello'));
    expect(messages.map((frame) => read(frame).result)).toStrictEqual(['opened', 'opened']);
    const attempts = messages.flatMap((frame) => {
      if (frame.type !== 'message') throw new TypeError('a message');
      const { token } = frame;
      // Carol's state stays as it is, so her ratchets have as far to go for each.
      return EACH_BYTE.map((at) => read({ ...frame, token: flipBit(token, token.length - 1 - at) }));
    });
    const operations = expectSame('wrong key or tampered', attempts);
    expect(operations.filter((each) => each.startsWith('isEqual'))).toStrictEqual(['isEqual 32 32']);
    expect(operations).not.toContainEqual(expect.stringContaining('decrypt'));
  });

  test('37: a commit takes the same operations, whichever byte of its confirmation tag is wrong', () => {
    const { commit } = partsOf(room.commit(room.copy(alice)));
    room.log.pop();
    const attempts = [undefined, ...EACH_BYTE].map((at) =>
      traced((suite) => {
        const bytes = at === undefined ? commit : flipBit(commit, commit.length - 1 - at);
        const processed = createStarEngine(suite).processCommit(engineStateOf(carol), bytes);
        return processed.kind === 'rejected' ? processed.failure : processed.kind;
      }),
    );
    expect(attempts.shift()?.result).toBe('accepted');
    const operations = expectSame('invalid confirmation tag', attempts);
    expect(operations.filter((each) => each.startsWith('sharedSecret'))).not.toStrictEqual([]);
  });
});

test.each([
  ['equalBytes', equalBytes],
  ['constantTimeEqualBytes', constantTimeEqualBytes],
])('37: %s reads all bytes, wherever the first difference is', (_name, isEqual) => {
  const expected = new Uint8Array(TAG_BYTES).fill(7);
  const readsOf = (other: Uint8Array): readonly [boolean, readonly string[]] => {
    const reads: string[] = [];
    const watched = new Proxy(other, {
      get: (target, property) => {
        if (typeof property === 'string' && /^\d+$/.test(property)) reads.push(property);
        return Reflect.get(target, property) as unknown;
      },
    });
    return [isEqual(expected, watched), reads];
  };
  const [isSame, all] = readsOf(expected.slice());
  expect(isSame).toBe(true);
  expect(all).toHaveLength(TAG_BYTES);
  for (const at of EACH_BYTE) expect(readsOf(flipBit(expected, at))).toStrictEqual([false, all]);
});

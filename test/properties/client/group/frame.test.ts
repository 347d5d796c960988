import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Cipher, Plaintext, Token } from '../../../../streams/client/envelope/cipher.js';
import {
  type Frame,
  formatFrame,
  MAX_FRAME_BYTES,
  openFrame,
  parseFrame,
  sealFrame,
} from '../../../../streams/client/group/frame.js';
import {
  bytesToToken,
  openBytes,
  sealToBytes,
  tokenToBytes,
} from '../../../../streams/client/group/tokenBytes.js';
import { isTokenBatch } from '../../../../streams/wire/entry.js';
import { LimitError } from '../../../../streams/wire/errors.js';
import { MAX_LINE_BYTES } from '../../../../streams/wire/lines.js';
import { encodeLine } from '../../../../streams/wire/encoding.js';
import { nodeCipher } from '../../../../src/crypto/nodeCipher.js';
import { fakeCipher, fakeKey } from '../../../support/fakeCipher.js';
import { KEY } from '../../../support/fernet.js';

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const u16 = fc.integer({ min: 0, max: 2 ** 16 - 1 });
const content = fc.uint8Array({ maxLength: 300 });
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const is = <T extends Frame['type']>(type: T) => fc.constant(type);

const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    type: is('message'),
    epoch: u32,
    leaf: u16,
    slot: fc.nat(3),
    generation: u32,
    token: content,
  }),
  fc.record({
    type: is('externalMessage'),
    epoch: u32,
    ephemeralKey: bytesOf(32),
    generation: u32,
    token: content,
  }),
  fc.record({ type: is('create'), groupInfo: content }),
  fc.record({ type: is('groupInfo'), groupInfo: content }),
  fc.record({
    type: is('commit'),
    commit: content,
    groupInfoUpdate: content,
    sealedInviteSecret: content,
  }),
  fc.record({ type: is('leave'), device: bytesOf(32), lastEpoch: u32, signature: bytesOf(64) }),
);

const groupInfo = (length: number): Frame => ({
  type: 'groupInfo',
  groupInfo: new Uint8Array(length).fill(7),
});
const HEADER_BYTES = 6;

describe('frames', () => {
  test('are parsed as they were formatted', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        expect(parseFrame(formatFrame(frame))).toStrictEqual({ ...frame });
      }),
    );
  });

  test('are refused if they are cut short at any byte', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const bytes = formatFrame(frame);
        for (let length = 0; length < bytes.length; length += 1)
          if (parseFrame(bytes.subarray(0, length)) !== undefined)
            throw new Error(`${length} bytes are a frame`);
      }),
      { numRuns: 10 },
    );
  });

  test('are refused if any byte of the padding is not zero, or padding is added', () => {
    fc.assert(
      fc.property(anyFrame, fc.integer({ min: 1, max: 255 }), (frame, change) => {
        const bytes = formatFrame(frame);
        const length = HEADER_BYTES + new DataView(bytes.buffer).getUint32(2);
        for (let at = length; at < bytes.length; at += 1) {
          const changed = bytes.slice();
          changed[at]! ^= change;
          if (parseFrame(changed) !== undefined) throw new Error(`byte ${at} may be ${change}`);
        }
        const longer = new Uint8Array(bytes.length * 2);
        longer.set(bytes);
        expect(parseFrame(longer)).toBeUndefined();
      }),
      { numRuns: 10 },
    );
  });

  test('have one format each: what is parsed is formatted to the same bytes', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(700), fc.integer({ min: 1, max: 255 }), (frame, at, change) => {
        const changed = formatFrame(frame).slice();
        changed[at % changed.length]! ^= change;
        const parsed = parseFrame(changed);
        expect(parsed === undefined ? changed : formatFrame(parsed)).toStrictEqual(changed);
      }),
      { numRuns: 1000 },
    );
  });

  test('of an unknown version, type or slot are refused', () => {
    const frame: Frame = {
      type: 'message',
      epoch: 0,
      leaf: 0,
      slot: 3,
      generation: 0,
      token: new Uint8Array(8),
    };
    const change = (at: number, byte: number) => {
      const changed = formatFrame(frame).slice();
      changed[at] = byte;
      return changed;
    };
    expect(parseFrame(change(0, 2))).toStrictEqual(frame);
    expect(parseFrame(change(0, 1))).toBeUndefined();
    expect(parseFrame(change(0, 3))).toBeUndefined();
    expect(parseFrame(change(1, 6))).toBeUndefined();
    expect(parseFrame(change(HEADER_BYTES + 6, 4))).toBeUndefined();
  });

  test.each([
    [0, 512],
    [506, 512],
    [507, 1024],
    [1018, 1024],
    [1019, 2048],
    [32_762, 32_768],
    [32_763, MAX_FRAME_BYTES],
    [MAX_FRAME_BYTES - HEADER_BYTES, MAX_FRAME_BYTES],
  ])('with %i bytes of content have %i bytes', (length, size) => {
    expect(formatFrame(groupInfo(length))).toHaveLength(size);
  });

  test('over the limit are refused, and the largest frame fits a line', () => {
    const largest = groupInfo(MAX_FRAME_BYTES - HEADER_BYTES);
    expect(() => formatFrame(groupInfo(MAX_FRAME_BYTES - HEADER_BYTES + 1))).toThrow(LimitError);
    const line = encodeLine(sealFrame(nodeCipher(), KEY, largest, 0));
    expect(line.length).toBeLessThanOrEqual(MAX_LINE_BYTES);
    expect(isTokenBatch(line)).toBe(true);
  });
});

describe('openFrame', () => {
  test('opens a sealed frame, with the time that everyone can read', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const token = sealFrame(nodeCipher(), KEY, frame, 1_700_000_040);
        expect(openFrame(nodeCipher(), KEY, token)).toStrictEqual({ ...frame });
        expect(Buffer.from(token, 'base64url').readBigUInt64BE(1)).toBe(1_700_000_040n);
      }),
      { numRuns: 20 },
    );
  });

  test('returns why it cannot open a token', () => {
    const token = sealFrame(fakeCipher, fakeKey(1), groupInfo(5), 0);
    const envelope = fakeCipher.seal(fakeKey(1), new Uint8Array(512).fill(0x20) as never, 0);
    expect(openFrame(fakeCipher, fakeKey(2), token)).toBe('wrong key or tampered');
    expect(openFrame(fakeCipher, fakeKey(1), '%' as Token)).toBe('malformed');
    expect(openFrame(fakeCipher, fakeKey(1), envelope)).toBe('not a frame');
  });
});

describe('the bytes of a token', () => {
  test('are those of base64url, and give the same token', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_') as Token;
        expect(bytesToToken(bytes)).toBe(text);
        expect(tokenToBytes(text)).toStrictEqual(bytes);
      }),
    );
  });

  test('are the same if the cipher has only text', () => {
    const plaintext = Uint8Array.of(1, 2, 3) as Plaintext;
    const inBytes = nodeCipher({ iv: () => new Uint8Array(16) });
    const inText: Cipher = { ...inBytes, sealBytes: undefined!, openBytes: undefined! };
    const token = sealToBytes(inText, KEY, plaintext, 60);
    expect(inBytes.sealBytes!(KEY, plaintext, 60)).toStrictEqual(token);
    expect(openBytes(inText, KEY, token)).toStrictEqual(inBytes.openBytes!(KEY, token));
    expect(Buffer.from(openBytes(inText, KEY, token))).toStrictEqual(Buffer.from(plaintext));
    expect(openBytes(inText, KEY, token.with(20, 0xff))).toBe('wrong key or tampered');
  });

  test.each(['A', 'AAAA=', '====', 'AA=A', 'A===', 'AA+A', 'AAA/', 'AAAé'])('%s is not a token', (text) => {
    expect(() => tokenToBytes(text as Token)).toThrow(TypeError);
  });
});

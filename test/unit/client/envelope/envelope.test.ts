import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Plaintext } from '../../../../streams/client/envelope/cipher.js';
import {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  hasValidSignature,
  MAX_ENVELOPE_BYTES,
  MAX_LINES,
} from '../../../../streams/client/envelope/envelope.js';
import { MAX_PART_ENTRIES } from '../../../../streams/client/envelope/readRange.js';
import { isTokenBatch } from '../../../../streams/wire/entry.js';
import { LimitError } from '../../../../streams/wire/errors.js';
import { MAX_LINE_BYTES } from '../../../../streams/wire/lines.js';
import { decodeText, encodeLine, encodeText } from '../../../../streams/wire/encoding.js';
import { nodeCipher } from '../../../../src/crypto/nodeCipher.js';
import { signingKey } from '../../../../src/crypto/nodeKeys.js';
import { verifySignature } from '../../../../src/crypto/nodeVerify.js';
import { KEY } from '../../../support/fernet.js';
import { ALICE, BOB, envelope as envelopeOf, fakeVerify } from '../../../support/envelopes.js';
import { codePoint } from '../../../support/codePoint.js';

const envelope = envelopeOf();
const HASH = 'x'.repeat(42) + 'w';
const SIGNATURE = ALICE.sign(encodeText('x'));

const LATEST = 8.64e15;
const bytesOf = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes) => Buffer.from(bytes).toString('base64url'));
const anySeen = fc
  .record({
    log: fc.stringMatching(/^[\w-]{1,64}$/),
    from: fc.integer({ min: 1, max: 2 ** 50 }),
    more: fc.nat(MAX_PART_ENTRIES),
    hash: bytesOf(32),
  })
  .map(({ log, from, more, hash }) => ({ log, from, to: from + more - 1, hash }));
const anyEnvelope: fc.Arbitrary<Envelope> = fc
  .record(
    {
      nick: fc.string({ unit: codePoint, minLength: 1, maxLength: 32 }),
      // Single UTF-16 units too: half of a pair is invalid text, and is encoded as its escape.
      lines: fc.array(fc.oneof(fc.string({ unit: codePoint }), fc.constant('\ud800')), { minLength: 1 }),
      room: bytesOf(32),
      key: bytesOf(32),
      session: bytesOf(16),
      counter: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      time: fc.integer({ min: 0, max: LATEST }),
      stored: fc.nat(),
    },
    { noNullPrototype: true },
  )
  .map((each) => ({ ...each, stored: each.stored % each.counter }))
  .chain((each) =>
    fc.oneof(
      fc.constant(each),
      fc.constantFrom('me', 'topic', 'away', 'back' as const).map((act) => ({ ...each, act })),
      anySeen.map((seen) => ({ ...each, seen })),
    ),
  );

const read = (text: string) => decodeEnvelope(encodeText(text) as Plaintext);
const readFields = (fields: Record<string, unknown>) =>
  read(
    JSON.stringify({
      kind: 'message',
      nick: 'alice',
      text: 'hello',
      room: envelope.room,
      key: envelope.key,
      session: envelope.session,
      counter: 1,
      time: 0,
      stored: 0,
      ...fields,
      signature: SIGNATURE,
    }),
  );
const plain = { ...envelope, signature: SIGNATURE };
const encode = (each: Envelope) => encodeEnvelope(each, ALICE);

describe('the envelope', () => {
  test('an envelope decodes to what was encoded', () => {
    fc.assert(
      fc.property(anyEnvelope, (each) => {
        expect(decodeEnvelope(encode(each))).toStrictEqual({ ...each, signature: expect.any(String) });
      }),
    );
  });

  test('an envelope is readable JSON with the signature last, followed by spaces', () => {
    const seen = { log: 'log', from: 3, to: 9, hash: HASH };
    const text = decodeText(encode({ ...envelope, counter: 4, stored: 2, seen })) ?? '';
    expect(text).toHaveLength(512);
    expect(text.trimEnd().replace(/"signature":"[\w-]{86}"/, '"signature":"S"')).toBe(
      '{"kind":"message","nick":"alice","text":"hello",' +
        `"room":"${envelope.room}","key":"${envelope.key}","session":"${envelope.session}",` +
        `"counter":4,"time":0,"stored":2,"seen":["log",3,9,"${HASH}"],"signature":"S"}`,
    );
    expect(decodeText(encode({ ...envelope, lines: ['a', 'b'] }))).toContain('"lines":["a","b"]');
  });

  test('decodeEnvelope drops unknown fields', () => {
    expect(readFields({ color: 'red' })).toStrictEqual(plain);
  });

  test('decodeEnvelope accepts any order and white space of the fields before the signature', () => {
    const fields = { text: 'hello', ...envelope, lines: undefined, kind: 'message' };
    const body = JSON.stringify(fields, undefined, 1).slice(0, -2);
    expect(read(`${body},"signature":"${SIGNATURE}"}   `)).toStrictEqual(plain);
    for (const end of ['}\n', ' }', '}\t ', ',"x":1}', '} x'])
      expect(read(`${body},"signature":"${SIGNATURE}"${end}`)).toBeUndefined();
    expect(read(`${body}, "signature":"${SIGNATURE}"}`)).toBeUndefined();
    expect(read(`${body},"signature":"${SIGNATURE.slice(1)}"}`)).toBeUndefined();
    expect(read(`${body}}`)).toBeUndefined();
  });

  test('decodeEnvelope accepts exactly the times of a Date since 1970', () => {
    for (const time of [LATEST, 0]) expect(readFields({ time })?.time).toBe(time);
    for (const time of [LATEST + 1, -1]) expect(readFields({ time })).toBeUndefined();
  });
});

/** A valid envelope as text. */
const WHOLE = decodeText(encode(envelope))?.trimEnd() ?? '';

describe('malformed envelopes', () => {
  test('the envelope that the malformed ones are made from is valid', () => {
    expect(read(WHOLE)).toMatchObject(envelope);
  });

  const texts: [string, string][] = [
    ['nothing', ''],
    ['text', 'hello'],
    ['half of it', '{"kind":"message","nick":"alice"'],
    ['two of them', '{"kind":"message"}{"kind":"message"}'],
    ['a number', '1'],
    ['null', 'null'],
    ['a list', '[{"kind":"message"}]'],
    ['a string', '"message"'],
    ['an object without anything', '{}'],
    ['a time that is not a number of JSON', WHOLE.replace('"time":0', '"time":NaN')],
    ['a time that is too large for a number', WHOLE.replace('"time":0', '"time":1e999')],
    ['a byte order mark before it', `\ufeff${WHOLE}`],
    ['fields of its prototype', `{"__proto__":${WHOLE},"signature":"${SIGNATURE}"}`],
    ['without its signature', `${WHOLE.slice(0, WHOLE.indexOf(',"signature"'))}}`],
  ];
  test.each(texts)('decodeEnvelope returns undefined for %s', (_case, text) => {
    expect(read(text)).toBeUndefined();
  });

  const fields: [string, Record<string, unknown>][] = [
    ['no kind', { kind: undefined }],
    ['another kind', { kind: 'rekey' }],
    ['no nick', { nick: undefined }],
    ['a nick that is a number', { nick: 7 }],
    ['a nick that is a list', { nick: ['alice'] }],
    ['an empty nick', { nick: '' }],
    ['a nick that is too long', { nick: 'x'.repeat(33) }],
    ['no room', { room: undefined }],
    ['a room that is no key', { room: 'lobby' }],
    ['no key', { key: undefined }],
    ['a key that is cut', { key: envelope.key.slice(1) }],
    ['a key that is not canonical', { key: `${envelope.key.slice(0, -1)}t` }],
    ['a session that is null', { session: null }],
    ['a session that is too long', { session: 'x'.repeat(10_000) }],
    ['no account of what is stored', { stored: undefined }],
    ['more stored than was said', { counter: 3, stored: 3 }],
    ['what was seen as text', { seen: 'log' }],
    ['what was seen as null', { seen: null }],
    ['what was seen without a hash', { seen: ['log', 1, 1] }],
    ['what was seen in no log', { seen: ['', 1, 1, HASH] }],
    ['what was seen backwards', { seen: ['log', 3, 1, HASH] }],
    ['a long span that was seen, with too few hashes', { seen: ['log', 1, 2048 + 64, HASH] }],
    ['a span longer than any', { seen: ['log', 1, 2 ** 20 + 1, ...Array<string>(40).fill(HASH)] }],
    ['what was seen from 0', { seen: ['log', 0, 1, HASH] }],
    ['too much that was seen', { seen: ['log', 1, MAX_PART_ENTRIES + 1, HASH] }],
    ['what was seen in halves', { seen: ['log', 1.5, 2, HASH] }],
    ['an act that is a number', { act: 1 }],
    ['an act that is null', { act: null }],
    ['no counter', { counter: undefined }],
    ['a counter from 0', { counter: 0 }],
    ['a counter that is text', { counter: '1' }],
    ['a counter that is not whole', { counter: 1.5 }],
    ['a counter beyond what is exact', { counter: 2 ** 53 }],
    ['no time', { time: undefined }],
    ['a time that is text', { time: '2026-01-01' }],
    ['a time that is not whole', { time: 0.5 }],
    ['no text', { text: undefined }],
    ['a text that is a number', { text: 7 }],
    ['a text that is an object', { text: { toString: 'x' } }],
    ['no lines', { lines: [] }],
    ['lines that are one text', { lines: 'hello' }],
    ['lines that are an object', { lines: { 0: 'hello', length: 1 } }],
    ['a line that is null', { lines: ['hello', null] }],
    ['a line that is a list', { lines: [['hello']] }],
  ];
  test.each(fields)('decodeEnvelope returns undefined for an envelope with %s', (_case, each) => {
    expect(readFields({ seen: ['log', 1, MAX_PART_ENTRIES, HASH] })).toMatchObject(plain);
    expect(readFields({ act: 'me' })).toStrictEqual({ ...plain, act: 'me' });
    expect(readFields({ act: 'dance' })).toStrictEqual(plain);
    expect(readFields(each)).toBeUndefined();
  });

  test('decodeEnvelope returns undefined when the bytes are not UTF-8', () => {
    const bytes = encode(envelope);
    const broken = Uint8Array.from(bytes);
    broken[WHOLE.indexOf('hello')] = 0xff;
    expect(decodeEnvelope(bytes)).toMatchObject(envelope);
    expect(decodeEnvelope(broken as Plaintext)).toBeUndefined();
  });

  test('decodeEnvelope returns undefined for JSON that is nested as deep as fits in a token', () => {
    expect(read('['.repeat(MAX_ENVELOPE_BYTES))).toBeUndefined();
    expect(read(`${'['.repeat(24_000)}${']'.repeat(24_000)}`)).toBeUndefined();
    expect(read('{"kind":'.repeat(6000))).toBeUndefined();
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    expect(read(WHOLE.replace('{', `{"deep":${deep},`))).toMatchObject(envelope);
    expect(read(WHOLE.replace('{', `{"seen":${deep},`))).toBeUndefined();
  });

  test('decodeEnvelope never throws and never reaches a prototype, whatever the bytes', () => {
    const json = fc.json().map((text) => encodeText(text));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 500 }), json), (bytes) => {
        expect(decodeEnvelope(bytes as Plaintext)).toBeUndefined();
      }),
    );
    readFields(
      JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as Record<
        string,
        unknown
      >,
    );
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('the signature of an envelope', () => {
  const sealed = (more: Partial<Envelope> = {}, signer = ALICE): Plaintext =>
    encodeEnvelope({ ...envelope, ...more }, signer);
  const holds = (plaintext: Plaintext, verify = fakeVerify): boolean => {
    const each = decodeEnvelope(plaintext);
    return each !== undefined && hasValidSignature(plaintext, each, verify);
  };

  test('a signature is valid for the signed bytes with any number of spaces after them', () => {
    expect(holds(sealed())).toBe(true);
    expect(holds(encodeText(WHOLE) as Plaintext)).toBe(true);
    expect(holds(encodeText(`${WHOLE}${' '.repeat(100)}`) as Plaintext)).toBe(true);
  });

  test('a signature covers a label and the bytes before it', () => {
    const messages: string[] = [];
    const plaintext = sealed();
    hasValidSignature(plaintext, decodeEnvelope(plaintext)!, (key, message, signature) => {
      messages.push(key, decodeText(message) ?? '', signature);
      return true;
    });
    const [body = ''] = WHOLE.split(',"signature"');
    const signature = ALICE.sign(encodeText(`rxchat/1 message\n${body}`));
    expect(messages).toStrictEqual([ALICE.key, `rxchat/1 message\n${body}`, signature]);
  });

  test('a signature is invalid for another key, or when any bit is changed', () => {
    expect(holds(sealed({}, BOB))).toBe(false);
    expect(holds(sealed({ key: BOB.key }))).toBe(false);
    const mallory = signingKey(new Uint8Array(32).fill(7));
    const plaintext = sealed({ key: mallory.key }, mallory);
    expect(holds(plaintext, verifySignature)).toBe(true);
    const end = (decodeText(plaintext) ?? '').trimEnd().length;
    for (let bit = 0; bit < 8 * end; bit += 1) {
      const changed = Uint8Array.from(plaintext) as Plaintext;
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(holds(changed, verifySignature)).toBe(false);
    }
  });
});

describe('the size of an envelope', () => {
  const overhead = WHOLE.length - 'hello'.length;
  const ofSize = (size: number) => encode({ ...envelope, lines: ['x'.repeat(size - overhead)] });
  const lineOf = (plaintext: Plaintext) => encodeLine(nodeCipher().seal(KEY, plaintext, 0));

  test('the padded size grows in steps', () => {
    const sizes = [overhead, 512, 513, 1024, 1025, 16_385, 32_768, 32_769, MAX_ENVELOPE_BYTES];
    expect(sizes.map((size) => ofSize(size).length)).toStrictEqual([
      512,
      512,
      1024,
      1024,
      2048,
      32_768,
      32_768,
      MAX_ENVELOPE_BYTES,
      MAX_ENVELOPE_BYTES,
    ]);
  });

  test('the largest envelope makes a line that a relay accepts', () => {
    const plaintext = ofSize(MAX_ENVELOPE_BYTES);
    expect(plaintext).toHaveLength(MAX_ENVELOPE_BYTES);
    const line = lineOf(plaintext);
    expect(line.length).toBeLessThanOrEqual(MAX_LINE_BYTES);
    expect(isTokenBatch(line)).toBe(true);
  });

  test('one byte more is a LimitError that contains only sizes', () => {
    const bytes = encodeText('x'.repeat(MAX_ENVELOPE_BYTES + 1)) as Plaintext;
    expect(lineOf(bytes).length).toBeGreaterThan(MAX_LINE_BYTES);
    expect(() => ofSize(MAX_ENVELOPE_BYTES + 1)).toThrow(
      new LimitError('a message of 49088 bytes is over the limit of 49087'),
    );
  });

  test('an envelope without a line is a TypeError', () => {
    expect(() => encode({ ...envelope, lines: [] })).toThrow(TypeError);
  });

  test('an envelope has at most 4096 lines when encoded and decoded', () => {
    const lines = (count: number) => Array<string>(count).fill('x');
    expect(MAX_LINES).toBe(4096);
    expect(decodeEnvelope(encode({ ...envelope, lines: lines(4096) }))?.lines).toHaveLength(4096);
    expect(() => encode({ ...envelope, lines: lines(4097) })).toThrow(
      new LimitError('a message of 4097 lines is over the limit of 4096'),
    );
    expect(readFields({ lines: lines(4096) })?.lines).toHaveLength(4096);
    expect(readFields({ lines: lines(4097) })).toBeUndefined();
  });

  test('the limit of an envelope counts bytes, not characters', () => {
    const letters = Math.floor((MAX_ENVELOPE_BYTES - overhead) / 3);
    const large = (count: number) => encode({ ...envelope, lines: ['€'.repeat(count)] });
    expect(large(letters)).toHaveLength(MAX_ENVELOPE_BYTES);
    expect(() => large(letters + 1)).toThrow(LimitError);
  });
});

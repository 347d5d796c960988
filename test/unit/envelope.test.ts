import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Plaintext } from '../../streams/client/cipher.js';
import {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  isSigned,
  LINES_LIMIT,
} from '../../streams/client/envelope.js';
import { ENVELOPE_LIMIT } from '../../streams/client/padding.js';
import { SEEN_LIMIT } from '../../streams/client/seen.js';
import { areTokens } from '../../streams/wire/entry.js';
import { LimitError } from '../../streams/wire/errors.js';
import { LINE_LIMIT } from '../../streams/wire/lines.js';
import { decodeText, encodeLine, encodeText } from '../../streams/wire/utf8.js';
import { nodeCipher } from '../../src/crypto/nodeCipher.js';
import { signingKey } from '../../src/crypto/signingKey.js';
import { verifySignature } from '../../src/crypto/verifySignature.js';
import { KEY } from '../support/fernet.js';
import { ALICE, BOB, envelope as envelopeOf, fakeVerify } from '../support/people.js';

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
    more: fc.nat(SEEN_LIMIT),
    hash: bytesOf(32),
  })
  .map(({ log, from, more, hash }) => ({ log, from, to: from + more - 1, hash }));
const anyEnvelope: fc.Arbitrary<Envelope> = fc
  .record(
    {
      nick: fc.string({ unit: 'binary', minLength: 1, maxLength: 32 }),
      // Single UTF-16 units too: half a pair is no text, and survives as its escape.
      lines: fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constant('\ud800')), { minLength: 1 }),
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

describe('an envelope', () => {
  test('reads back as it was written', () => {
    fc.assert(
      fc.property(anyEnvelope, (each) => {
        expect(decodeEnvelope(encode(each))).toStrictEqual({ ...each, signature: expect.any(String) });
      }),
    );
  });

  test('is JSON that a person can read, and other programs, its signature last and spaces behind it', () => {
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

  test('leaves out fields that are not known: they are for newer clients', () => {
    expect(readFields({ color: 'red' })).toStrictEqual(plain);
  });

  test('may stand in any order and with any space between, but for the signature, which is the end', () => {
    const fields = { text: 'hello', ...envelope, lines: undefined, kind: 'message' };
    const body = JSON.stringify(fields, undefined, 1).slice(0, -2);
    expect(read(`${body},"signature":"${SIGNATURE}"}   `)).toStrictEqual(plain);
    for (const end of ['}\n', ' }', '}\t ', ',"x":1}', '} x'])
      expect(read(`${body},"signature":"${SIGNATURE}"${end}`)).toBeUndefined();
    expect(read(`${body}, "signature":"${SIGNATURE}"}`)).toBeUndefined();
    expect(read(`${body},"signature":"${SIGNATURE.slice(1)}"}`)).toBeUndefined();
    expect(read(`${body}}`)).toBeUndefined();
  });

  test('takes every time since 1970 that a Date can hold, and no other', () => {
    for (const time of [LATEST, 0]) expect(readFields({ time })?.time).toBe(time);
    for (const time of [LATEST + 1, -1]) expect(readFields({ time })).toBeUndefined();
  });
});

/** One that is whole, as text. */
const WHOLE = decodeText(encode(envelope))?.trimEnd() ?? '';

describe('what is no envelope', () => {
  test('is what is wrong with one: that one is whole', () => {
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
  test.each(texts)('is undefined: %s', (_case, text) => {
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
    ['too much that was seen', { seen: ['log', 1, SEEN_LIMIT + 1, HASH] }],
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
  test.each(fields)('is undefined, with %s', (_case, each) => {
    expect(readFields({ seen: ['log', 1, SEEN_LIMIT, HASH] })).toMatchObject(plain);
    expect(readFields({ act: 'me' })).toStrictEqual({ ...plain, act: 'me' });
    expect(readFields({ act: 'dance' })).toStrictEqual(plain);
    expect(readFields(each)).toBeUndefined();
  });

  test('is undefined where the bytes are not UTF-8', () => {
    const bytes = encode(envelope);
    const broken = Uint8Array.from(bytes);
    broken[WHOLE.indexOf('hello')] = 0xff;
    expect(decodeEnvelope(bytes)).toMatchObject(envelope);
    expect(decodeEnvelope(broken as Plaintext)).toBeUndefined();
  });

  test('is undefined, nested as deep as a token can be', () => {
    expect(read('['.repeat(ENVELOPE_LIMIT))).toBeUndefined();
    expect(read(`${'['.repeat(24_000)}${']'.repeat(24_000)}`)).toBeUndefined();
    expect(read('{"kind":'.repeat(6000))).toBeUndefined();
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    expect(read(WHOLE.replace('{', `{"deep":${deep},`))).toMatchObject(envelope);
    expect(read(WHOLE.replace('{', `{"seen":${deep},`))).toBeUndefined();
  });

  test('never throws and never reaches a prototype, whatever the bytes', () => {
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

describe('a signature', () => {
  const sealed = (more: Partial<Envelope> = {}, signer = ALICE): Plaintext =>
    encodeEnvelope({ ...envelope, ...more }, signer);
  const holds = (plaintext: Plaintext, verify = fakeVerify): boolean => {
    const each = decodeEnvelope(plaintext);
    return each !== undefined && isSigned(plaintext, each, verify);
  };

  test('holds for what was signed, whatever spaces are behind it', () => {
    expect(holds(sealed())).toBe(true);
    expect(holds(encodeText(WHOLE) as Plaintext)).toBe(true);
    expect(holds(encodeText(`${WHOLE}${' '.repeat(100)}`) as Plaintext)).toBe(true);
  });

  test('is over a label and the bytes before it, so that it is good for nothing else', () => {
    const messages: string[] = [];
    const plaintext = sealed();
    isSigned(plaintext, decodeEnvelope(plaintext)!, (key, message, signature) => {
      messages.push(key, decodeText(message) ?? '', signature);
      return true;
    });
    const [body = ''] = WHOLE.split(',"signature"');
    const signature = ALICE.sign(encodeText(`rxchat/1 message\n${body}`));
    expect(messages).toStrictEqual([ALICE.key, `rxchat/1 message\n${body}`, signature]);
  });

  test('does not hold where another signed, or any one bit of what was said is changed', () => {
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

describe('the limit of an envelope', () => {
  const overhead = WHOLE.length - 'hello'.length;
  const ofSize = (size: number) => encode({ ...envelope, lines: ['x'.repeat(size - overhead)] });
  const lineOf = (plaintext: Plaintext) => encodeLine(nodeCipher().seal(KEY, plaintext, 0));

  test('is reached in steps, so that the length tells little', () => {
    const sizes = [overhead, 512, 513, 1024, 1025, 16_385, 32_768, 32_769, ENVELOPE_LIMIT];
    expect(sizes.map((size) => ofSize(size).length)).toStrictEqual([
      512,
      512,
      1024,
      1024,
      2048,
      32_768,
      32_768,
      ENVELOPE_LIMIT,
      ENVELOPE_LIMIT,
    ]);
  });

  test('the largest one makes a line that a relay takes', () => {
    const plaintext = ofSize(ENVELOPE_LIMIT);
    expect(plaintext).toHaveLength(ENVELOPE_LIMIT);
    const line = lineOf(plaintext);
    expect(line.length).toBeLessThanOrEqual(LINE_LIMIT);
    expect(areTokens(line)).toBe(true);
  });

  test('one byte more would not, and is a LimitError that tells only sizes', () => {
    const bytes = encodeText('x'.repeat(ENVELOPE_LIMIT + 1)) as Plaintext;
    expect(lineOf(bytes).length).toBeGreaterThan(LINE_LIMIT);
    expect(() => ofSize(ENVELOPE_LIMIT + 1)).toThrow(
      new LimitError('a message of 49088 bytes is over the limit of 49087'),
    );
  });

  test('without a line is a TypeError', () => {
    expect(() => encode({ ...envelope, lines: [] })).toThrow(TypeError);
  });

  test('has at most 4096 lines, written and read', () => {
    const lines = (count: number) => Array<string>(count).fill('x');
    expect(LINES_LIMIT).toBe(4096);
    expect(decodeEnvelope(encode({ ...envelope, lines: lines(4096) }))?.lines).toHaveLength(4096);
    expect(() => encode({ ...envelope, lines: lines(4097) })).toThrow(
      new LimitError('a message of 4097 lines is over the limit of 4096'),
    );
    expect(readFields({ lines: lines(4096) })?.lines).toHaveLength(4096);
    expect(readFields({ lines: lines(4097) })).toBeUndefined();
  });

  test('counts bytes and not letters', () => {
    const letters = Math.floor((ENVELOPE_LIMIT - overhead) / 3);
    const large = (count: number) => encode({ ...envelope, lines: ['€'.repeat(count)] });
    expect(large(letters)).toHaveLength(ENVELOPE_LIMIT);
    expect(() => large(letters + 1)).toThrow(LimitError);
  });
});

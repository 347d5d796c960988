import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Plaintext } from '../../streams/client/cipher.js';
import {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  ENVELOPE_LIMIT,
} from '../../streams/client/envelope.js';
import { areTokens } from '../../streams/wire/entry.js';
import { LimitError } from '../../streams/wire/errors.js';
import { LINE_LIMIT } from '../../streams/wire/lines.js';
import { decodeText, encodeLine, encodeText } from '../../streams/wire/utf8.js';
import { nodeCipher } from '../../src/crypto/nodeCipher.js';
import { KEY } from '../support/fernet.js';

const envelope: Envelope = { nick: 'alice', session: 'S', counter: 1, time: 0, lines: ['hello'] };

const LATEST = 8.64e15;
const anyEnvelope = fc.record<Envelope>(
  {
    nick: fc.string({ unit: 'binary' }),
    session: fc.string(),
    counter: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    time: fc.integer({ min: 0, max: LATEST }),
    // Single UTF-16 units too: half a pair is no text, and survives as its escape.
    lines: fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constant('\ud800')), { minLength: 1 }),
  },
  { noNullPrototype: true },
);

const read = (text: string) => decodeEnvelope(encodeText(text) as Plaintext);
const readFields = (fields: Record<string, unknown>) =>
  read(
    JSON.stringify({
      kind: 'message',
      nick: 'alice',
      session: 'S',
      counter: 1,
      time: 0,
      text: 'hello',
      ...fields,
    }),
  );

describe('an envelope', () => {
  test('reads back as it was written', () => {
    fc.assert(
      fc.property(anyEnvelope, (each) => {
        expect(decodeEnvelope(encodeEnvelope(each))).toStrictEqual(each);
      }),
    );
  });

  test('is JSON that a person can read, and other programs', () => {
    expect(decodeText(encodeEnvelope(envelope))).toBe(
      '{"kind":"message","nick":"alice","session":"S","counter":1,"time":0,"text":"hello"}',
    );
    expect(decodeText(encodeEnvelope({ ...envelope, lines: ['a', 'b'] }))).toContain('"lines":["a","b"]');
  });

  test('leaves out fields that are not known: they are for newer clients', () => {
    expect(readFields({ seen: [1, 'x'], color: 'red' })).toStrictEqual(envelope);
  });

  test('may stand in any order and with any space between', () => {
    const text =
      ' {"text":"hello", "time" : 0,\n"counter":1,"session":"S","nick":"alice","kind":"message"}  ';
    expect(read(text)).toStrictEqual(envelope);
  });

  test('takes every time since 1970 that a Date can hold, and no other', () => {
    for (const time of [LATEST, 0]) expect(readFields({ time })?.time).toBe(time);
    for (const time of [LATEST + 1, -1]) expect(readFields({ time })).toBeUndefined();
  });
});

describe('what is no envelope', () => {
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
    [
      'a time that is not a number of JSON',
      '{"kind":"message","nick":"a","session":"S","counter":1,"time":NaN,"text":"x"}',
    ],
    [
      'a time that is too large for a number',
      '{"kind":"message","nick":"a","session":"S","counter":1,"time":1e999,"text":"x"}',
    ],
    [
      'a byte order mark before it',
      '\ufeff{"kind":"message","nick":"a","session":"S","counter":1,"time":0,"text":"x"}',
    ],
    [
      'fields of its prototype',
      '{"__proto__":{"kind":"message","nick":"a","session":"S","counter":1,"time":0,"text":"x"}}',
    ],
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
    ['a session that is null', { session: null }],
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
    expect(readFields({})).toStrictEqual(envelope);
    expect(readFields(each)).toBeUndefined();
  });

  test('is undefined where the bytes are not UTF-8', () => {
    const bytes = encodeEnvelope(envelope);
    const at = bytes.indexOf(0x68, bytes.length - 10);
    const broken = Uint8Array.from(bytes);
    broken[at] = 0xff;
    expect(decodeEnvelope(bytes)).toStrictEqual(envelope);
    expect(decodeEnvelope(broken as Plaintext)).toBeUndefined();
  });

  test('is undefined, nested as deep as a token can be', () => {
    expect(read('['.repeat(ENVELOPE_LIMIT))).toBeUndefined();
    expect(read(`${'['.repeat(24_000)}${']'.repeat(24_000)}`)).toBeUndefined();
    expect(read('{"kind":'.repeat(6000))).toBeUndefined();
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const fields = '"nick":"alice","session":"S","counter":1,"time":0,"text":"hello"';
    expect(read(`{"kind":"message",${fields},"seen":${deep}}`)).toStrictEqual(envelope);
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

describe('the limit of an envelope', () => {
  const overhead = encodeEnvelope({ ...envelope, lines: [''] }).length;
  const ofSize = (size: number) => encodeEnvelope({ ...envelope, lines: ['x'.repeat(size - overhead)] });
  const lineOf = (plaintext: Plaintext) => encodeLine(nodeCipher().seal(KEY, plaintext, 0));

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
    expect(() => encodeEnvelope({ ...envelope, lines: [] })).toThrow(TypeError);
  });

  test('counts bytes and not letters', () => {
    const letters = Math.floor((ENVELOPE_LIMIT - overhead) / 3);
    const large = (count: number) => encodeEnvelope({ ...envelope, lines: ['€'.repeat(count)] });
    expect(large(letters).length).toBeLessThanOrEqual(ENVELOPE_LIMIT);
    expect(() => large(letters + 1)).toThrow(LimitError);
  });
});

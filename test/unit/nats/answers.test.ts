import { describe, expect, test } from '@jest/globals';
import type { Msg } from '@nats-io/transport-node';
import fc from 'fast-check';
import {
  isUnavailable,
  parseAnswer,
  parseLeaderRecord,
  parseLiveRecord,
  parsePendingCount,
  parseStoredRecord,
} from '../../../src/nats/answers.js';
import { bytes } from '../../support/wire.js';

const data = bytes('batch');
const message = (headers: Readonly<Record<string, string>>) =>
  ({ data, headers: { get: (name: string) => headers[name] ?? '' } }) as unknown as Msg;

describe('parseAnswer', () => {
  test('returns an answer, or the error in it', () => {
    const parse = (text: string) => parseAnswer(Buffer.from(text));
    expect(parse('{"seq": 7}')).toStrictEqual({ answer: { seq: 7 }, error: undefined });
    expect(
      parse('{"error": {"code": 400, "err_code": 10071, "description": "wrong last sequence: 5"}}').error,
    ).toStrictEqual({
      code: 10_071,
      description: 'wrong last sequence: 5',
    });
  });

  test('returns an error for anything else, and never throws', () => {
    for (const text of ['', 'null', '7', '[', '"seq"', '{"error": {}}'])
      expect(parseAnswer(Buffer.from(text)).error?.code).toBe(0);
    fc.assert(
      fc.property(fc.uint8Array(), (random) => {
        parseAnswer(random);
      }),
    );
    fc.assert(
      fc.property(fc.json(), (json) => {
        parseLeaderRecord(parseAnswer(Buffer.from(json)).answer);
      }),
    );
  });
});

test('records have the addresses of their headers, and none with a bad one is a record', () => {
  const headers = { 'Nats-Sequence': '7', 'Nats-Last-Sequence': '5', 'Nats-Num-Pending': '3' };
  expect(parseLiveRecord(message(headers))).toEqual({ address: 7, previous: 5, bytes: data });
  expect(parseStoredRecord(message(headers))).toEqual({ address: 7, bytes: data });
  expect(parsePendingCount(message(headers))).toBe(3);
  for (const sequence of ['', 'seven', '1.5', '9007199254740993'])
    expect(parseStoredRecord(message({ 'Nats-Sequence': sequence }))).toBeUndefined();
  expect(parseLiveRecord({ data } as Msg)).toBeUndefined();
});

test('records have the time when they were stored, unless it is missing or no time', () => {
  const time = '2026-12-01T10:00:00.123456789Z';
  const storedAt = Date.UTC(2026, 11, 1, 10, 0, 0, 123);
  const parse = (text: string) =>
    parseStoredRecord(message({ 'Nats-Sequence': '7', 'Nats-Time-Stamp': text }))?.storedAt;
  expect([parse(time), parse(''), parse('now')]).toStrictEqual([storedAt, undefined, undefined]);
  expect(parseLeaderRecord({ message: { seq: 7, time } })?.storedAt).toBe(storedAt);
});

test('parseLeaderRecord decodes base64, and accepts a record without bytes', () => {
  const parse = (record: unknown) => parseLeaderRecord({ message: record });
  expect(parse({ seq: 7, data: 'YmF0Y2gK' })).toEqual({ address: 7, bytes: Buffer.from(data) });
  expect(parse({ seq: 7 })).toEqual({ address: 7, bytes: new Uint8Array() });
  for (const each of [undefined, null, 7, {}, { seq: '7' }]) expect(parse(each)).toBeUndefined();
});

test('isUnavailable recognizes the answer of a server that knows no leader', () => {
  const answer = (code: number) =>
    Buffer.from(
      `{"type":"io.nats.jetstream.api.v1.stream_msg_get_response","error":{"code":503,"err_code":${code},"description":"JetStream system temporarily unavailable"}}`,
    );
  expect(isUnavailable(answer(10_008))).toBe(true);
  expect(isUnavailable(answer(10_037))).toBe(false);
  for (const text of ['', '{"seq": 7}', '10008']) expect(isUnavailable(Buffer.from(text))).toBe(false);
});

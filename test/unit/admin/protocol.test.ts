import { describe, expect, test } from '@jest/globals';
import {
  formatReply,
  formatRequest,
  parseReply,
  parseRequest,
  type AdminReply,
} from '../../../src/admin/protocol.js';

describe('the requests of rxchat admin', () => {
  test('survive formatting and parsing', () => {
    const request = { action: 'log-level', target: 'debug', user: 'root' } as const;
    expect(formatRequest(request)).toMatch(/^\{"version":1,.*\}\n$/);
    expect(parseRequest(formatRequest(request))).toStrictEqual({ ...request, forMs: undefined });
    expect(parseRequest(formatRequest({ ...request, forMs: 5 }))).toMatchObject({ forMs: 5 });
  });

  test.each([
    ['', 'the request is not an object in JSON'],
    ['[]', 'the request is not an object in JSON'],
    ['{"version":2,"action":"status"}', /another version than 1/],
    ['{"version":1,"action":"halt"}', /does not know this action/],
    ['{"version":1,"action":"constructor"}', /does not know this action/],
    ['{"version":1,"action":"ban","forMs":-1}', 'the time is not a number of milliseconds'],
    ['{"version":1,"action":"status","target":1}', 'the target is not a text'],
  ])('%j is refused with a line', (line, problem) => {
    expect(parseRequest(line)).toMatch(problem);
  });

  test('have a user of bounded length, which can be absent', () => {
    const userOf = (user: unknown) => parseRequest(JSON.stringify({ version: 1, action: 'status', user }));
    expect(userOf('a'.repeat(100))).toMatchObject({ user: 'a'.repeat(64) });
    expect(userOf(7)).toMatchObject({ user: '' });
  });
});

describe('the replies to rxchat admin', () => {
  test.each<AdminReply>([
    { ok: true, result: { total: 1 } },
    { ok: false, error: 'no' },
  ])('survive formatting and parsing: %j', (reply) => {
    expect(parseReply(formatReply(reply))).toStrictEqual(reply);
  });

  test.each(['', '{}', '{"ok":true}', '{"ok":true,"result":[]}', '{"ok":false}', '{"ok":1,"result":{}}'])(
    '%j is no reply',
    (line) => {
      expect(parseReply(line)).toBeUndefined();
    },
  );
});

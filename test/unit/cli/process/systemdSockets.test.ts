import { describe, expect, test } from '@jest/globals';
import { parseSystemdSockets } from '../../../../src/cli/process/systemdSockets.js';

const PID = 4242;
const parse = (count: string, names?: string) =>
  parseSystemdSockets({ LISTEN_PID: String(PID), LISTEN_FDS: count, LISTEN_FDNAMES: names }, PID);

test('names decide what a socket is for', () => {
  expect(parse('3', 'metrics:chat:web')).toStrictEqual({ metrics: 3, chat: 4, web: 5 });
  expect(parse('1', 'web')).toStrictEqual({ web: 3 });
});

test.each([undefined, '', 'unknown', 'rxchat.socket'])('a single socket with the name %p is chat', (name) => {
  expect(parse('1', name)).toStrictEqual({ chat: 3 });
});

test('a process without sockets, and a child of a process with sockets, get none', () => {
  expect(parseSystemdSockets({}, PID)).toStrictEqual({});
  expect(parse('0')).toStrictEqual({});
  expect(parseSystemdSockets({ LISTEN_PID: '1', LISTEN_FDS: 'x' }, PID)).toStrictEqual({});
});

describe('invalid sockets are an error', () => {
  test.each([
    ['x', undefined, 'LISTEN_FDS is not a number of sockets'],
    ['-1', undefined, 'LISTEN_FDS is not a number of sockets'],
    ['2', 'chat', 'LISTEN_FDS passes 2 sockets, and LISTEN_FDNAMES has 1 names'],
    ['1', 'chat:web', 'LISTEN_FDS passes 1 sockets, and LISTEN_FDNAMES has 2 names'],
    ['2', undefined, 'systemd passes a socket with the name unknown'],
    ['2', 'rxchat.socket:web', 'systemd passes a socket with the name rxchat.socket'],
    ['2', 'chat:chat', 'systemd passes two sockets with the name chat'],
  ])('LISTEN_FDS=%s LISTEN_FDNAMES=%s', (count, names, message) => {
    expect(() => parse(count, names)).toThrow(message);
  });
});

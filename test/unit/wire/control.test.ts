import { describe, expect, test } from '@jest/globals';
import { type Control, formatControl, parseControl } from '../../../streams/wire/control.js';

describe('a control', () => {
  const rounds: [string, Control][] = [
    ['PING 0', { type: 'ping', n: 0 }],
    ['PONG 41', { type: 'pong', n: 41 }],
    ['GAP 4 4', { type: 'gap', from: 4, to: 4 }],
    ['GAP 4 32', { type: 'gap', from: 4, to: 32 }],
    ['ERR nick-taken the nick is taken', { type: 'err', code: 'nick-taken', text: 'the nick is taken' }],
    ['BYE shutdown 1000', { type: 'bye', reason: 'shutdown', retryMs: 1000 }],
  ];

  test.each(rounds)('%s is written and read', (line, control) => {
    expect(formatControl(control)).toBe(line);
    expect(parseControl(line)).toStrictEqual(control);
  });

  test.each<[string, Control]>([
    ['BYE', { type: 'bye', reason: '', retryMs: 0 }],
    ['BYE moving', { type: 'bye', reason: 'moving', retryMs: 0 }],
    ['BYE moving soon', { type: 'bye', reason: 'moving', retryMs: 0 }],
    ['ERR', { type: 'err', code: '', text: '' }],
    ['ERR busy', { type: 'err', code: 'busy', text: '' }],
    ['ERR new-code  two  spaces', { type: 'err', code: 'new-code', text: ' two  spaces' }],
  ])('that says less or more is read all the same: %s', (line, control) => {
    expect(parseControl(line)).toStrictEqual(control);
  });

  test.each([
    '',
    ' ',
    'hello',
    'ping 1',
    'PING',
    'PING ',
    'PING x',
    'PING -1',
    'PING 01',
    'PING 1 2',
    'PING  1',
    'PINGS 1',
    'PONG 1.5',
    'GAP 1',
    'GAP 2 1',
    'GAP 1 2 3',
    'GAP a b',
    'NICK alice',
    'WELCOME log=x',
    '+alice',
  ])('is not read from %j', (line) => {
    expect(parseControl(line)).toBeUndefined();
  });
});

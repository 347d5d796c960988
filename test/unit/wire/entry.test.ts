import { describe, expect, test } from '@jest/globals';
import {
  type Announcement,
  formatAnnouncement,
  isTokenBatch,
  parseAnnouncement,
} from '../../../streams/wire/entry.js';
import { encodeText } from '../../../streams/wire/encoding.js';
import { bytes, token } from '../../support/wire.js';

const T = token('t');
/** A token of `length` characters, the last `pads` of them padding. */
const sized = (length: number, pads = 0): string => 'gAAAA'.padEnd(length - pads, 'b').padEnd(length, '=');

describe('areTokens', () => {
  test.each([
    ['no line at all', new Uint8Array(0)],
    ['one', bytes(T)],
    ['many', bytes(T, T, sized(400))],
    ['the shortest', bytes(sized(100))],
    ['one padding', bytes(sized(100, 1))],
    ['two paddings', bytes(sized(100, 2))],
    ['- and _', bytes(`${T.slice(0, 50)}-_${T.slice(52)}`)],
  ])('holds for %s', (_what, lines) => {
    expect(isTokenBatch(lines)).toBe(true);
  });

  const bad: [string, Uint8Array][] = [
    ['an empty line', encodeText('\n')],
    ['a line that is only the head', bytes('gAAAA')],
    ['a line that is cut within the head', encodeText('gAA')],
    ['another head', bytes(`h${T.slice(1)}`)],
    ['a head in another case', bytes(`GAAAA${T.slice(5)}`)],
    ['a time after the year 2106', bytes(`gAAAB${T.slice(5)}`)],
    ['one that is too short', bytes(sized(96))],
    ['one that is too short only for its length in characters', bytes(sized(99))],
    ['a length that is no multiple of 4', bytes(sized(101))],
    ['missing padding', bytes(sized(102))],
    ['padding beyond a multiple of 4', bytes(`${sized(100)}====`)],
    ['three paddings', bytes(sized(100, 3))],
    ['one padding too many', bytes(`${sized(100, 1)}=`)],
    ['padding in the middle', bytes(`${T.slice(0, 50)}=${T.slice(51)}`)],
    ['only padding', bytes(`gAAAA${'='.repeat(95)}`)],
    ['a carriage return', encodeText(`${T}\r\n`)],
    ['a NUL', bytes(`${T.slice(0, 50)}\0${T.slice(51)}`)],
    ['a space', bytes(`${T.slice(0, 50)} ${T.slice(51)}`)],
    ['a space at the end', bytes(`${T}    `)],
    ['the other alphabet', bytes(`${T.slice(0, 50)}+/${T.slice(52)}`)],
    ['an escape sequence', bytes(`${T.slice(0, 50)}\u001b[2J${T.slice(54)}`)],
    ['a byte above ASCII', Uint8Array.from(bytes(T), (byte, at) => (at === 50 ? 0xe9 : byte))],
    ['an announcement', bytes('+mallory')],
    ['a control', bytes('PING 0')],
  ];

  const unended: typeof bad = [
    ['one without its newline', encodeText(T)],
    ['many of which the last has no newline', encodeText(`${T}\n${T}`)],
  ];

  test.each([...bad, ...unended])('does not hold for %s', (_what, lines) => {
    expect(isTokenBatch(lines)).toBe(false);
  });

  test.each(bad)('does not hold for tokens around %s', (_what, lines) => {
    expect(isTokenBatch(Uint8Array.from([...bytes(T), ...lines, ...bytes(T)]))).toBe(false);
  });
});

describe('an announcement', () => {
  const rounds: [string, Announcement][] = [
    ['+alice', { type: 'joined', nicks: ['alice'], count: 1 }],
    ['-alice', { type: 'left', nicks: ['alice'], count: 1 }],
    ['+alice,bob,李雷', { type: 'joined', nicks: ['alice', 'bob', '李雷'], count: 3 }],
    ['+-', { type: 'joined', nicks: ['-'], count: 1 }],
    ['+a*b', { type: 'joined', nicks: ['a*b'], count: 1 }],
    ['+*1200', { type: 'joined', nicks: [], count: 1200 }],
    ['-*1', { type: 'left', nicks: [], count: 1 }],
  ];

  test.each(rounds)('%s is written and read', (line, announcement) => {
    expect(formatAnnouncement(announcement)).toBe(line);
    expect(parseAnnouncement(line)).toStrictEqual(announcement);
  });

  test.each(['', '+', '-', 'alice', T, ' +alice', '+*', '+*0', '+*-1', '+*1e3', '+*12 ', '+*99999999999'])(
    'is not read from %j',
    (line) => {
      expect(parseAnnouncement(line)).toBeUndefined();
    },
  );
});

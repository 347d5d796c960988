import { describe, expect, test } from '@jest/globals';
import { catchError, lastValueFrom, of, toArray } from 'rxjs';
import { entries } from '../../../streams/client/receive/entries.js';
import { ProtocolError, RefusedError } from '../../../streams/wire/errors.js';
import { formatGreeting, parseHello } from '../../../streams/wire/handshake.js';
import { POSITION_LIMIT } from '../../../streams/wire/fields.js';
import { batch, hello, NONCE, token } from '../../support/wire.js';

/** Returns the types of the parsed lines of a relay, then the error. */
const receivedBy = async (...lines: string[]): Promise<string> => {
  const reported = await lastValueFrom(
    of(batch(...lines)).pipe(
      entries(),
      catchError((error: unknown) => [
        { type: error instanceof ProtocolError || error instanceof RefusedError ? error.name : 'a fault' },
      ]),
      toArray(),
    ),
  );
  return reported.map(({ type }) => type).join(' ');
};

const GREETING = formatGreeting(NONCE);
const welcome = (more: Record<string, string | undefined> = {}): string =>
  `WELCOME ${Object.entries<string | undefined>({
    log: 'log',
    next: '9',
    first: '3',
    from: '7',
    durability: 'disk',
    count: '2',
    ...more,
  })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')}`;

const LAST = POSITION_LIMIT - 1;
const REFUSED = 'greeting ProtocolError';
const TAKEN = 'greeting welcome';

describe('a field of WELCOME', () => {
  const table: Record<string, { good: (string | undefined)[]; bad: (string | undefined)[] }> = {
    log: {
      good: ['a', 'a-_9', 'a'.repeat(64)],
      bad: [undefined, '', 'a.b', '*', '%00', 'a/b', 'a'.repeat(65), 'é', '\u0000', 'a\r'],
    },
    next: {
      good: ['7', String(POSITION_LIMIT)],
      bad: [
        undefined,
        '',
        '0',
        '6',
        '-1',
        '09',
        '9.0',
        '1e3',
        'x',
        String(POSITION_LIMIT + 1),
        '9'.repeat(16),
      ],
    },
    first: { good: ['1', '7'], bad: [undefined, '', '0', '10', '-1', '03', String(POSITION_LIMIT)] },
    from: { good: ['1', '3', '9'], bad: [undefined, '', '0', '10', '-1', '07', String(POSITION_LIMIT)] },
    durability: { good: [undefined, 'memory', 'os', 'disk'], bad: ['', 'Disk', 'stone', 'disk,os'] },
    count: { good: ['1', '5000'], bad: [undefined, '', '0', '-1', '02', 'x'] },
    members: {
      good: [undefined, '', 'alice,bob', 'alice,o=o'],
      bad: ['alice', 'alice,bob,carol', ',,', Array(1001).fill('a').join(',')],
    },
  };

  const cases = Object.entries(table).flatMap(([key, { good, bad }]) => [
    ...good.map((value): [string, string | undefined, string] => [key, value, TAKEN]),
    ...bad.map((value): [string, string | undefined, string] => [key, value, REFUSED]),
  ]);

  test.each(cases)('%s=%s', async (key, value, outcome) => {
    expect(await receivedBy(GREETING, welcome({ [key]: value }))).toBe(outcome);
  });

  test('1000 members can be listed', async () => {
    const members = Array(1000).fill('a').join(',');
    expect(await receivedBy(GREETING, welcome({ count: '1000', members }))).toBe(TAKEN);
    expect(await receivedBy(GREETING, welcome({ count: '1001', members: `${members},a` }))).toBe(REFUSED);
  });
});

describe('a line in a room', () => {
  const after = (more: Record<string, string>, ...lines: string[]) =>
    receivedBy(GREETING, welcome(more), ...lines);

  test.each<[string, string, string]>([
    ['a gap that begins at the next position', 'GAP 7 8', 'gap'],
    ['a gap of one', 'GAP 7 7', 'gap'],
    ['a gap up to the last position', `GAP 7 ${LAST}`, 'gap'],
    ['a gap beyond it', `GAP 7 ${POSITION_LIMIT}`, 'ProtocolError'],
    ['a gap of fifteen digits', 'GAP 7 999999999999999', 'ProtocolError'],
    ['a gap of sixteen digits', 'GAP 7 9999999999999999', 'ProtocolError'],
    ['a gap that begins before', 'GAP 6 8', 'ProtocolError'],
    ['a gap that begins behind', 'GAP 8 9', 'ProtocolError'],
    ['a gap that ends before it begins', 'GAP 7 6', 'ProtocolError'],
    ['a gap from nothing', 'GAP 0 6', 'ProtocolError'],
    ['a gap of one number', 'GAP 7', 'ProtocolError'],
    ['a gap of three numbers', 'GAP 7 8 9', 'ProtocolError'],
    ['a gap of words', 'GAP a b', 'ProtocolError'],
    ['a ping', 'PING 6', 'ping'],
    ['a ping of nothing that is known', 'PING x', ''],
    ['a pong', 'PONG 6', 'pong'],
    ['a farewell', 'BYE shutdown 1000', 'bye'],
    ['a farewell without words', 'BYE', 'bye'],
    ['a refusal', 'ERR busy later', 'RefusedError'],
    ['who came', '+alice', 'joined'],
    ['how many came', '+*9999999999', 'joined'],
    ['how many came, in eleven digits', '+*99999999999', 'ProtocolError'],
    ['nobody who came', '+', 'ProtocolError'],
    ['a negative number that came', '+*-1', 'ProtocolError'],
    ['a token', token('x'), 'token'],
    ['what begins with another character', 'hello', 'ProtocolError'],
    ['a space before', ' PING 6', 'ProtocolError'],
    ['nothing', '', 'ProtocolError'],
    ['a verb of a newer relay', 'TOPIC tea', ''],
  ])('is taken or refused: %s', async (_what, line, outcome) => {
    expect(await after({}, line)).toBe(`${TAKEN} ${outcome}`.trim());
  });

  test('where the stream begins before what is kept, a gap up to there comes first', async () => {
    const old = { from: '1', first: '3' };
    expect(await after(old, 'GAP 1 2', token('x'))).toBe(`${TAKEN} gap token`);
    expect(await after(old, 'PING 0', 'GAP 1 5', token('x'))).toBe(`${TAKEN} ping gap token`);
    expect(await after(old, token('x'))).toBe(REFUSED.replace(' ', ' welcome '));
    expect(await after(old, '+alice')).toBe(REFUSED.replace(' ', ' welcome '));
    expect(await after(old, 'GAP 1 1')).toBe(REFUSED.replace(' ', ' welcome '));
  });

  test('nothing is counted beyond the last position', async () => {
    const end = { next: String(POSITION_LIMIT), from: String(LAST) };
    expect(await after(end, token('x'))).toBe(`${TAKEN} token`);
    expect(await after(end, token('x'), token('y'))).toBe(`${TAKEN} token ProtocolError`);
  });
});

describe('a field of the answer to NICK', () => {
  const HASH = 'AAAAAAAAAAA';
  test.each<[string, string, boolean]>([
    ['after', 'log/0', true],
    ['after', '*/41', true],
    ['after', `log/41/${HASH}`, true],
    ['after', `log/${LAST}`, true],
    ['after', `log/${POSITION_LIMIT}`, false],
    ['after', 'log/-1', false],
    ['after', 'log', false],
    ['after', 'a.b/1', false],
    ['after', `${'a'.repeat(65)}/1`, false],
    ['after', `*/41/${HASH}`, false],
    ['after', `log/0/${HASH}`, false],
    ['after', 'log/41/', false],
    ['after', `log/41/${HASH.slice(1)}`, false],
    ['after', `log/41/${HASH.slice(1)}B`, false],
    ['after', `log/41/${HASH}/x`, false],
    ['last', '0', true],
    ['last', '999999999999999', true],
    ['last', '-1', false],
    ['last', '9999999999999999', false],
  ])('%s=%s', (key, value, isTaken) => {
    const read = () => parseHello(`${hello('alice')} ${key}=${value}`);
    if (isTaken) expect(read()).toHaveProperty(key);
    else expect(read).toThrow(ProtocolError);
  });
});

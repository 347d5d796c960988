import { describe, expect, test } from '@jest/globals';
import { ProtocolError } from '../../../streams/wire/errors.js';
import {
  formatGreeting,
  type Hello,
  formatHello,
  MAX_LISTED_MEMBERS,
  ownerMessage,
  proofMessage,
  parseGreeting,
  parseHello,
  parseResume,
  parseWelcome,
  type Welcome,
  formatWelcome,
} from '../../../streams/wire/handshake.js';
import { formatResume } from '../../../streams/wire/fields.js';
import { decodeText } from '../../../streams/wire/encoding.js';
import { CELLAR, hello, LOBBY, NONCE, PROOF, SESSION } from '../../support/wire.js';

const codeOf = (read: () => unknown): string => {
  try {
    read();
    return 'accepted';
  } catch (error) {
    return error instanceof ProtocolError ? error.code : `not a ProtocolError: ${String(error)}`;
  }
};

describe('the greeting', () => {
  test('gives its nonce, and passes over what it does not know', () => {
    expect(parseGreeting(formatGreeting(NONCE))).toBe(NONCE);
    expect(formatGreeting(NONCE, ['owner', 'hash'])).toBe(`NICK rxchat/1 nonce=${NONCE} features=owner,hash`);
    expect(parseGreeting(formatGreeting(NONCE, ['owner', 'hash']))).toBe(NONCE);
    expect(parseGreeting(`NICK rxchat/1 nonce=${NONCE} features=later,owner`)).toBe(NONCE);
    expect(parseGreeting(`NICK rxchat/1 mood=good nonce=${NONCE} word`)).toBe(NONCE);
  });

  test.each([
    ['nothing', '', 'bad-line'],
    ['another server', 'SSH-2.0-OpenSSH_9.2', 'bad-line'],
    ['the chat it descends from', 'NICK', 'bad-version'],
    ['another version', `NICK rxchat/2 nonce=${NONCE}`, 'bad-version'],
    ['a version that begins alike', `NICK rxchat/10 nonce=${NONCE}`, 'bad-version'],
    ['no nonce', 'NICK rxchat/1', 'bad-line'],
    ['an empty nonce', 'NICK rxchat/1 nonce=', 'bad-line'],
    ['a short nonce', 'NICK rxchat/1 nonce=AAAA', 'bad-line'],
    ['a nonce that is not base64url', `NICK rxchat/1 nonce=${NONCE.replace('B', '+')}`, 'bad-line'],
  ])('is refused: %s', (_what, line, code) => {
    expect(codeOf(() => parseGreeting(line))).toBe(code);
  });
});

describe('the answer to NICK', () => {
  const full: Hello = { nick: 'alice', room: LOBBY, session: SESSION, proof: PROOF };

  test.each<[string, Hello]>([
    ['without a wish', full],
    ['with a position', { ...full, after: { log: 'a-_9', n: 0 } }],
    ['with a position in any log', { ...full, after: { log: '*', n: 41 } }],
    ['with the newest', { ...full, last: 0 }],
    ['with both', { ...full, after: { log: 'log', n: 7 }, last: 20 }],
    ['with an owner', { ...full, owner: { key: CELLAR, signature: PROOF } }],
    ['with a nick of signs', { ...full, nick: 'o=o/+-' }],
  ])('is written and read: %s', (_what, answer) => {
    expect(parseHello(formatHello(answer))).toStrictEqual(answer);
  });

  test('may have unknown fields and words, before and after', () => {
    const line = hello('alice').replace('alice', 'alice color=red').concat(' later=x word');
    expect(parseHello(line)).toStrictEqual(full);
  });

  test('counts the first of two equal fields', () => {
    expect(parseHello(`${hello('alice')} room=${CELLAR}`).room).toBe(LOBBY);
  });

  const without = (field: string) => hello('alice').replace(new RegExp(` ${field}=\\S*`), '');

  test.each([
    ['nothing', '', 'bad-line'],
    ['another verb', hello('alice').replace('NICK', 'HELO'), 'bad-line'],
    ['a verb in small letters', hello('alice').replace('NICK', 'nick'), 'bad-line'],
    ['only the verb', 'NICK', 'nick-empty'],
    ['no nick', hello(''), 'nick-empty'],
    ['a nick too long', hello('a'.repeat(33)), 'nick-too-long'],
    ['a nick with a space', hello('al ice'), 'nick-invalid'],
    ['a nick with a tab', hello('al\tice'), 'nick-invalid'],
    ['a nick with a bidirectional override', hello('alice\u202e'), 'nick-invalid'],
    ['a nick with a comma', hello('alice,bob'), 'nick-invalid'],
    ['a nick that is a count', hello('*2'), 'nick-invalid'],
    ['no room', without('room'), 'bad-room'],
    ['a room of another length', hello('alice').replace(LOBBY, 'AAAA'), 'bad-room'],
    ['a room that is not canonical', hello('alice').replace(LOBBY, `${LOBBY.slice(0, -1)}F`), 'bad-room'],
    ['no session', without('session'), 'bad-session'],
    ['a session of another length', hello('alice', { session: LOBBY }), 'bad-session'],
    ['no proof', without('proof'), 'bad-proof'],
    ['a proof of another length', hello('alice', { proof: LOBBY }), 'bad-proof'],
    ['a position without a log', `${hello('alice')} after=7`, 'bad-position'],
    ['a position without a number', `${hello('alice')} after=log/`, 'bad-position'],
    ['an empty position', `${hello('alice')} after=`, 'bad-position'],
    ['an owner without a signature', `${hello('alice')} owner=${LOBBY}`, 'bad-proof'],
    ['an owner with a short key', `${hello('alice')} owner=${SESSION}/${PROOF}`, 'bad-proof'],
    ['an owner with more behind', `${hello('alice')} owner=${LOBBY}/${PROOF}/${PROOF}`, 'bad-proof'],
    ['an empty owner', `${hello('alice')} owner=`, 'bad-proof'],
    ['a negative last', `${hello('alice')} last=-1`, 'bad-position'],
    ['a last that is no number', `${hello('alice')} last=all`, 'bad-position'],
  ])('is refused: %s', (_what, line, code) => {
    expect(codeOf(() => parseHello(line))).toBe(code);
  });

  test.each([
    { log: 'log', n: 7 },
    { log: '*', n: 7 },
    { log: 'log', n: 7, hash: 'AAAAAAAAAAA' },
    { log: 'log', n: 7, hash: 'AAAAAAAAAAA', earlier: { n: 6, hash: 'AAAAAAAAAAE' } },
  ])('resumes from %j', (resume) => {
    expect(parseResume(formatResume(resume))).toStrictEqual(resume);
  });

  test.each([
    'log/7/short',
    'log/7/AAAAAAAAAAB', // not canonical
    'log/0/AAAAAAAAAAA',
    '*/7/AAAAAAAAAAA',
    'log/7/',
    'log/7/AAAAAAAAAAA/',
    'log/7/AAAAAAAAAAA/6',
    'log/7/AAAAAAAAAAA/7/AAAAAAAAAAA',
    'log/7/AAAAAAAAAAA/0/AAAAAAAAAAA',
    'log/7/AAAAAAAAAAA/6/short',
    'log/7//6/AAAAAAAAAAA',
    'log/7/AAAAAAAAAAA/6/AAAAAAAAAAA/',
  ])('does not resume from %j', (text) => {
    expect(codeOf(() => parseResume(text))).toBe('bad-position');
  });

  test.each(['log/1/2', '/1', 'a b/1', '**/1', `${'a'.repeat(65)}/1`, 'log/-1', 'log/1.5', 'log', ''])(
    'does not resume from %j',
    (text) => {
      expect(codeOf(() => parseResume(text))).toBe('bad-position');
    },
  );
});

describe('the proof', () => {
  const parts = { nonce: NONCE, room: LOBBY, session: SESSION, binding: '', nick: 'alice' };

  test('signs all that it is about, each on its own line', () => {
    expect(decodeText(proofMessage(parts))).toBe(`rxchat/1 join\n${NONCE}\n${LOBBY}\n${SESSION}\n\nalice`);
  });

  test('has another label for the owner of a nick', () => {
    expect(decodeText(ownerMessage(parts))).toBe(`rxchat/1 owner\n${NONCE}\n${LOBBY}\n${SESSION}\n\nalice`);
  });

  test('is another one where any part is another', () => {
    const others = [{}, { nonce: 'n' }, { room: 'r' }, { session: 's' }, { binding: 'b' }, { nick: 'n' }];
    const messages = others.map((other) => decodeText(proofMessage({ ...parts, ...other })));
    expect(new Set(messages).size).toBe(6);
  });
});

describe('WELCOME', () => {
  const welcome: Welcome = {
    log: 'log',
    next: 42,
    first: 7,
    from: 9,
    durability: 'disk',
    count: 2,
    members: ['alice', 'o=o'],
  };

  test.each<[string, Welcome]>([
    ['with members', welcome],
    ['with members only counted', { ...welcome, count: 2000, members: undefined }],
    ['kept in memory', { ...welcome, durability: 'memory' }],
    ['kept by the system', { ...welcome, durability: 'os' }],
  ])('is written and read: %s', (_what, sent) => {
    expect(parseWelcome(formatWelcome(sent))).toStrictEqual(sent);
  });

  test('may have unknown fields, and says memory where it says nothing', () => {
    const line = formatWelcome(welcome).replace('durability=disk', 'mood=good');
    expect(parseWelcome(line)).toStrictEqual({ ...welcome, durability: 'memory' });
  });

  const nicks = (count: number, length: number) => Array.from({ length: count }, () => 'a'.repeat(length));

  test.each([
    ['many short ones', nicks(MAX_LISTED_MEMBERS, 2), true],
    ['one too many', nicks(MAX_LISTED_MEMBERS + 1, 2), false],
    ['too long a list', nicks(MAX_LISTED_MEMBERS, 32), false],
  ])('lists members as long as the list is short: %s', (_what, members, listed) => {
    expect(parseWelcome(formatWelcome({ ...welcome, count: members.length, members })).members).toStrictEqual(
      listed ? members : undefined,
    );
  });

  test('is never longer than a line may be', () => {
    const widest = Array.from({ length: MAX_LISTED_MEMBERS }, () => '😀'.repeat(3));
    for (let count = 1; count <= MAX_LISTED_MEMBERS; count += 1) {
      const line = formatWelcome({ ...welcome, count, members: widest.slice(0, count) });
      expect(Buffer.byteLength(line)).toBeLessThan(65_536);
    }
  });

  test.each([
    ['no log', / log=log/, ''],
    ['an empty log', /log=log/, 'log='],
    ['no next', / next=42/, ''],
    ['no first', / first=7/, ''],
    ['no from', / from=9/, ''],
    ['no count', / count=2/, ''],
    ['a next that is no number', /next=42/, 'next=x'],
    ['an unknown durability', /durability=disk/, 'durability=stone'],
  ])('is refused: %s', (_what, part, other) => {
    expect(codeOf(() => parseWelcome(formatWelcome(welcome).replace(part, other)))).toMatch(
      /^bad-(line|position)$/,
    );
  });
});

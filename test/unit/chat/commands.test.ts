import { describe, expect, test } from '@jest/globals';
import { CHAT_COMMANDS, type Desk, readEntered } from '../../../src/cli/chat/commands.js';
import { completeWord } from '../../../src/cli/chat/complete.js';
import { bare, plainLine } from '../../../src/cli/chat/line.js';
import { memory } from '../../../src/cli/chat/memory.js';
import { mentions } from '../../../src/cli/chat/mention.js';
import { shown } from '../../../src/terminal/visible.js';
import { PACK_LIMIT } from '../../../streams/client/pack.js';
import { message } from '../../support/heard.js';

const told =
  (name: string) =>
  (...words: unknown[]) => [bare(shown`${[name, ...words].join(' ').trim()}`)];

const desk: Desk = {
  who: told('who'),
  invite: told('invite'),
  verify: told('verify'),
  ignore: told('ignore'),
  quiet: told('quiet'),
  history: told('history'),
  search: told('search'),
  topic: told('topic'),
  discard: told('discard'),
  isAway: () => false,
  isOnline: () => false,
  refuse: (nick) => (nick === 'taken' ? shown`${nick} is here already` : undefined),
};

const shownBy = (entered: string, more: Partial<Desk> = {}): string => {
  const action = readEntered(entered, { ...desk, ...more });
  if (action?.type !== 'show') throw new Error(`${entered} shows nothing: ${JSON.stringify(action)}`);
  return action.lines.map((line) => plainLine(line)).join('\n');
};

describe('what is entered', () => {
  test.each([
    ['hello', { lines: ['hello'] }],
    [' /indented', { lines: [' /indented'] }],
    ['//me waves', { lines: ['/me waves'] }],
    ['two\nlines', { lines: ['two\nlines'] }],
    ['/me waves  a  lot', { lines: ['waves  a  lot'], act: 'me' }],
    ['/topic tea', { lines: ['tea'], act: 'topic' }],
    ['/away', { lines: ['away'], act: 'away' }],
    ['/away lunch', { lines: ['lunch'], act: 'away' }],
  ])('%j is said', (entered, say) => {
    expect(readEntered(entered, desk)).toStrictEqual({ type: 'say', say });
  });

  test('who is away comes back by the same command', () => {
    const away = { ...desk, isAway: () => true };
    expect(readEntered('/away', away)).toStrictEqual({ type: 'say', say: { lines: ['back'], act: 'back' } });
    expect(readEntered('/away dinner', away)).toMatchObject({ say: { lines: ['dinner'] } });
  });

  test.each([
    ['/who', 'who'],
    ['/invite', 'invite'],
    ['/verify bob yes', 'verify bob yes'],
    ['/ignore bob', 'ignore bob'],
    ['/ignore', 'ignore'],
    ['/quiet on', 'quiet on'],
    ['/history 5', 'history 5'],
    ['/history', 'history 20'],
    ['/search two words', 'search two words'],
    ['/topic', 'topic'],
    ['/discard', 'discard'],
    ['/verify', '-- whom? /verify NICK'],
    ['/me', '-- what do you do? /me TEXT'],
    ['/search', '-- for what? /search TEXT'],
    ['/history all', '-- how many? /history N, a whole number'],
    ['/history 0', '-- how many? /history N, a whole number'],
    ['/nick', '-- which? /nick NAME, without spaces'],
    ['/nick a b', '-- which? /nick NAME, without spaces'],
    ['/nick taken', '-- taken is here already'],
    ['/retry now', '-- /retry takes nothing behind it; nothing was done'],
    ['/usr/bin/ls -l', '-- unknown command /usr/bin/ls, nothing was sent; //usr/bin/ls says it'],
    ['/WHO', '-- unknown command /WHO, nothing was sent; did you mean /who?'],
    [
      '/msg bob hi',
      '-- unknown command /msg, nothing was sent; there are no private messages: all in the room read what is said',
    ],
    ['/names', 'who'],
    ['/help me', '-- /me TEXT: say what you do: /me waves'],
    ['/help /jion', '-- unknown command /jion, nothing was sent; /help lists the commands'],
    ['/qiut', '-- unknown command /qiut, nothing was sent; did you mean /quit?'],
    ['/Me waves', '-- unknown command /Me, nothing was sent; did you mean /me?'],
    ['/hunter2\u001b[2J', '-- unknown command /hunter2␛[2J, nothing was sent; /help lists the commands'],
    ['/', '-- unknown command /, nothing was sent; /help lists the commands'],
  ])('%j is shown', (entered, text) => {
    expect(shownBy(entered)).toBe(text);
  });

  test.each([
    ['/quit', { type: 'quit' }],
    ['/quit good night', { type: 'quit' }],
    ['/exit', { type: 'quit' }],
    ['/part bye', { type: 'quit' }],
    ['/clear', { type: 'clear' }],
    ['/edit', { type: 'edit', text: '' }],
    ['/edit half a thought', { type: 'edit', text: 'half a thought' }],
    ['/nick ally', { type: 'nick', nick: 'ally' }],
    ['/retry', { type: 'retry' }],
    ['/invite qr', { type: 'qr' }],
    ['', undefined],
    ['  ', undefined],
  ])('%j is done', (entered, action) => {
    expect(readEntered(entered, desk)).toStrictEqual(action);
  });

  test('what is too long for a message is said to be so, and kept', () => {
    const text = 'x'.repeat(PACK_LIMIT);
    for (const entered of [text, `/me ${text}`])
      expect(readEntered(entered, desk)).toStrictEqual({
        type: 'fail',
        text,
        reason: `not sent, over the limit of ${PACK_LIMIT} bytes`,
      });
  });

  test('the help tells of the keys that nobody would guess', () => {
    const help = shownBy('/help');
    for (const key of ['Alt-Enter', 'Ctrl-R', 'Tab', 'Ctrl-X Ctrl-E', 'Ctrl-Z', 'Ctrl-C twice'])
      expect(help).toContain(key);
  });

  test('the help has every command, each on a line of its own', () => {
    const help = shownBy('/help');
    for (const each of CHAT_COMMANDS) expect(help).toContain(`-- /${each.name}`);
    expect(shownBy('/retry', { isOnline: () => true })).toContain('you are connected');
  });
});

describe('the Tab key', () => {
  const people = { speakers: ['bob', 'Bea'], members: ['alice', 'bob', 'bill'], nick: 'alice' };

  test.each([
    ['/he', '', ['/help ']],
    ['/qui', '', ['/quiet ', '/quit ']],
    ['//he', '', []],
    ['b', '', ['bob: ', 'Bea: ', 'bill: ']],
    ['be', 'and ', ['Bea ']],
    ['a', '', []],
    ['', '', ['bob: ', 'Bea: ', 'bill: ']],
    ['/he', 'see ', []],
    ['b', '/verify ', ['bob ', 'Bea ', 'bill ']],
    ['q', '/invite ', ['qr']],
    ['ver', '/help ', ['verify']],
  ])('makes of %j behind %j: %j', (word, before, words) => {
    expect(completeWord(word, before, people)).toStrictEqual(words);
  });
});

describe('the memory of a run', () => {
  test('has the newest messages, finds words in whatever case, and who spoke last', () => {
    const kept = memory(3);
    for (let n = 0; n < 20; n += 1)
      kept.add(message({ text: `Tea ${n}`, nick: n % 2 === 0 ? 'bob' : 'carol' }));
    kept.add(message({ text: 'mine', nick: 'alice', own: true }));
    expect(kept.last(9).map(({ text }) => text)).toStrictEqual(['Tea 18', 'Tea 19', 'mine']);
    expect(kept.last(1)).toHaveLength(1);
    expect(kept.search('tEA', 1).map(({ text }) => text)).toStrictEqual(['Tea 19']);
    expect(kept.speakers()).toStrictEqual(['carol', 'bob']);
    expect(kept.size).toBe(3);
  });
});

describe('a mention', () => {
  test.each([
    ['alice: hi', true],
    ['hi Alice!', true],
    ['(alice)', true],
    ['malice', false],
    ['alice2', false],
    ['', false],
  ])('%j: %j', (text, is) => {
    expect(mentions(text, 'alice')).toBe(is);
  });

  test('is of a nick as it stands, whatever is in it', () => {
    expect(mentions('a+b? yes', 'a+b?')).toBe(true);
    expect(mentions('aab', 'a+b')).toBe(false);
    expect(mentions('anything', '')).toBe(false);
    expect(mentions('ÉLAN!', 'élan')).toBe(true);
  });
});

import { describe, expect, test } from '@jest/globals';
import type { ChatContext } from '../../../../../../src/cli/commands/join/chat/chatAction.js';
import { CHAT_COMMANDS } from '../../../../../../src/cli/commands/join/chat/slashCommands.js';
import { completeWord, parseInput } from '../../../../../../src/cli/commands/join/chat/chatInput.js';
import { verbatim, formatLine } from '../../../../../../src/cli/commands/join/chat/line.js';
import { messageHistory } from '../../../../../../src/cli/commands/join/chat/messageHistory.js';
import { mentions } from '../../../../../../src/text/unicode.js';
import { safe } from '../../../../../../src/text/sanitize.js';
import { MAX_MESSAGE_BYTES } from '../../../../../../streams/client/send/batchLines.js';
import { messageEvent } from '../../../../../support/clientEvents.js';

const reportedBy =
  (name: string) =>
  (...words: unknown[]) => [verbatim(safe`${[name, ...words].join(' ').trim()}`)];

const context: ChatContext = {
  who: reportedBy('who'),
  invite: reportedBy('invite'),
  verify: reportedBy('verify'),
  ignore: reportedBy('ignore'),
  quiet: reportedBy('quiet'),
  history: reportedBy('history'),
  search: reportedBy('search'),
  topic: reportedBy('topic'),
  discard: reportedBy('discard'),
  isAway: () => false,
  isOnline: () => false,
  nickProblem: (nick) => (nick === 'taken' ? safe`the nick ${nick} is already in use` : undefined),
};

const printedBy = (entered: string, more: Partial<ChatContext> = {}): string => {
  const action = parseInput(entered, { ...context, ...more });
  if (action?.type !== 'show') throw new Error(`${entered} shows nothing: ${JSON.stringify(action)}`);
  return action.lines.map((line) => formatLine(line)).join('\n');
};

describe('the input of the chat', () => {
  test.each([
    ['hello', { lines: ['hello'] }],
    [' /indented', { lines: [' /indented'] }],
    ['//me waves', { lines: ['/me waves'] }],
    ['two\nlines', { lines: ['two\nlines'] }],
    ['/me waves  a  lot', { lines: ['waves  a  lot'], act: 'me' }],
    ['/topic tea', { lines: ['tea'], act: 'topic' }],
    ['/away', { lines: ['away'], act: 'away' }],
    ['/away lunch', { lines: ['lunch'], act: 'away' }],
  ])('sends %j', (entered, send) => {
    expect(parseInput(entered, context)).toStrictEqual({ type: 'send', message: send });
  });

  test('returns from away by the same command', () => {
    const away = { ...context, isAway: () => true };
    expect(parseInput('/away', away)).toStrictEqual({
      type: 'send',
      message: { lines: ['back'], act: 'back' },
    });
    expect(parseInput('/away dinner', away)).toMatchObject({ message: { lines: ['dinner'] } });
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
    ['/verify', '-- usage: /verify NICK'],
    ['/me', '-- usage: /me TEXT'],
    ['/search', '-- usage: /search TEXT'],
    ['/history all', '-- usage: /history N (a whole number)'],
    ['/history 0', '-- usage: /history N (a whole number)'],
    ['/nick', '-- usage: /nick NAME (without spaces)'],
    ['/nick a b', '-- usage: /nick NAME (without spaces)'],
    ['/nick taken', '-- the nick taken is already in use'],
    ['/retry now', '-- /retry takes no argument; nothing was done'],
    ['/usr/bin/ls -l', '-- unknown command /usr/bin/ls, nothing was sent; //usr/bin/ls sends it'],
    ['/WHO', '-- unknown command /WHO, nothing was sent; did you mean /who?'],
    [
      '/msg bob hi',
      '-- unknown command /msg, nothing was sent; there are no private messages; everyone in the room reads all messages',
    ],
    ['/names', 'who'],
    ['/help me', '-- /me TEXT: describe what you do: /me waves'],
    ['/help /jion', '-- unknown command /jion, nothing was sent; /help lists the commands'],
    ['/qiut', '-- unknown command /qiut, nothing was sent; did you mean /quit?'],
    ['/Me waves', '-- unknown command /Me, nothing was sent; did you mean /me?'],
    ['/hunter2\u001b[2J', '-- unknown command /hunter2␛[2J, nothing was sent; /help lists the commands'],
    ['/', '-- unknown command /, nothing was sent; /help lists the commands'],
  ])('shows a text for %j', (entered, text) => {
    expect(printedBy(entered)).toBe(text);
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
  ])('acts on %j', (entered, action) => {
    expect(parseInput(entered, context)).toStrictEqual(action);
  });

  test('reports a text that is too long for a message, and keeps it', () => {
    const text = 'x'.repeat(MAX_MESSAGE_BYTES);
    for (const entered of [text, `/me ${text}`])
      expect(parseInput(entered, context)).toStrictEqual({
        type: 'fail',
        text,
        reason: `not sent, over the limit of ${MAX_MESSAGE_BYTES} bytes`,
      });
  });

  test('describes the less obvious keys in the help', () => {
    const help = printedBy('/help');
    for (const key of ['Alt-Enter', 'Ctrl-R', 'Tab', 'Ctrl-X Ctrl-E', 'Ctrl-Z', 'Ctrl-C twice'])
      expect(help).toContain(key);
  });

  test('lists every command in the help, each on its own line', () => {
    const help = printedBy('/help');
    for (const each of CHAT_COMMANDS) expect(help).toContain(`-- /${each.name}`);
    expect(printedBy('/retry', { isOnline: () => true })).toContain('you are connected');
  });
});

describe('the Tab key', () => {
  const clients = { senders: ['bob', 'Bea'], members: ['alice', 'bob', 'bill'], nick: 'alice' };

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
  ])('completes %j after %j to %j', (word, before, words) => {
    expect(completeWord(word, before, clients)).toStrictEqual(words);
  });
});

describe('the message history of a run', () => {
  test('has the newest messages, searches without regard to case, and knows the last sender', () => {
    const retained = messageHistory(3);
    for (let n = 0; n < 20; n += 1)
      retained.add(messageEvent({ text: `Tea ${n}`, nick: n % 2 === 0 ? 'bob' : 'carol' }));
    retained.add(messageEvent({ text: 'mine', nick: 'alice', own: true }));
    expect(retained.last(9).map(({ text }) => text)).toStrictEqual(['Tea 18', 'Tea 19', 'mine']);
    expect(retained.last(1)).toHaveLength(1);
    expect(retained.search('tEA', 1).map(({ text }) => text)).toStrictEqual(['Tea 19']);
    expect(retained.senders()).toStrictEqual(['carol', 'bob']);
    expect(retained.size).toBe(3);
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
  ])('of the nick in %j: %j', (text, is) => {
    expect(mentions(text, 'alice')).toBe(is);
  });

  test('matches a nick literally, whatever characters it has', () => {
    expect(mentions('a+b? yes', 'a+b?')).toBe(true);
    expect(mentions('aab', 'a+b')).toBe(false);
    expect(mentions('anything', '')).toBe(false);
    expect(mentions('ÉLAN!', 'élan')).toBe(true);
  });
});

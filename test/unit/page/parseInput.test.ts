import { describe, expect, test } from '@jest/globals';
import { parseInput } from '../../../src/page/parseInput.js';

import { MAX_MESSAGE_BYTES } from '../../../streams/client/send/batchLines.js';

describe('parseInput', () => {
  test.each([
    ['hello', { lines: ['hello'] }],
    ['two\nlines', { lines: ['two\nlines'] }],
    [' /me is no command behind a space', { lines: [' /me is no command behind a space'] }],
    ['//me is a message', { lines: ['/me is a message'] }],
    ['/me waves', { lines: ['waves'], act: 'me' }],
    ['/me  waves\nand bows ', { lines: ['waves\nand bows'], act: 'me' }],
    ['/topic tea', { lines: ['tea'], act: 'topic' }],
  ])('returns a message for %j', (typed, send) => {
    expect(parseInput(typed)).toStrictEqual({ message: send });
  });

  test.each([
    ['/mee waves', /^unknown command \/mee, nothing was sent;/],
    ['/', /^unknown command \/, nothing was sent;/],
    ['/me', /^\/me needs a text, nothing was sent$/],
    ['/topic  \n', /^\/topic needs a text/],
    [
      `/me ${'x'.repeat(MAX_MESSAGE_BYTES + 1)}`,
      /^this has 32,769 bytes, and the limit is 32,768: shorten it$/,
    ],
  ])('rejects %j with a reason', (typed, problem) => {
    expect(parseInput(typed)).toStrictEqual({ problem: expect.stringMatching(problem) });
  });

  test('reports the size of a text that is too long, and splits it into messages', () => {
    const line = `${'\u00e4'.repeat(499)}\n`;
    const typed = parseInput(line.repeat(100));
    expect(typed).toMatchObject({
      problem: 'this has 99,900 bytes, and the limit is 32,768: shorten it, or send it as 4 messages',
    });
    if (!('parts' in typed)) throw new Error('no parts');
    const texts = typed.parts?.flatMap(({ lines }) => lines) ?? [];
    expect(texts.map((text) => text.split('\n').length)).toStrictEqual([32, 32, 32, 5]);
    expect(texts.join('\n')).toBe(line.repeat(100));
  });

  test.each([
    ['/members', { command: { type: 'members' } }],
    ['/invite ', { command: { type: 'invite' } }],
    ['/rotate', { command: { type: 'rotate' } }],
    ['/leave', { command: { type: 'leave' } }],
    ['/remove  bob ', { command: { type: 'remove', name: 'bob' } }],
    ['/remove', { problem: '/remove needs a nick, nobody was removed' }],
    ['/leave now', { problem: '/leave takes no text, nothing was done' }],
    ['/me waves', { message: { lines: ['waves'], act: 'me' } }],
  ])('returns a command for %j in a group room only', (typed, parsed) => {
    expect(parseInput(typed, { isGroup: true })).toStrictEqual(parsed);
    if ('message' in parsed) return;
    expect(parseInput(typed)).toStrictEqual({ problem: expect.stringMatching(/^unknown command/) });
  });

  test('names the commands of the room', () => {
    const [inGroup, inRoom] = [parseInput('/x', { isGroup: true }), parseInput('/x')];
    expect(inGroup).toMatchObject({ problem: expect.stringMatching(/\/remove NICK, \/me TEXT or/) });
    expect(inRoom).toMatchObject({ problem: expect.stringMatching(/; use \/me TEXT or \/topic TEXT, or/) });
  });

  test('reports nothing invisible', () => {
    expect(JSON.stringify(parseInput('/\u202ex'))).not.toContain('\u202e');
  });
});

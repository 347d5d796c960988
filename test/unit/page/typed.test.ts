import { describe, expect, test } from '@jest/globals';
import { readTyped } from '../../../src/page/typed.js';
import { PACK_LIMIT } from '../../../streams/index.js';

describe('what is typed on the page', () => {
  test.each([
    ['hello', { lines: ['hello'] }],
    ['two\nlines', { lines: ['two\nlines'] }],
    [' /me is no command behind a space', { lines: [' /me is no command behind a space'] }],
    ['//me is none', { lines: ['/me is none'] }],
    ['/me waves', { lines: ['waves'], act: 'me' }],
    ['/me  waves\nand bows ', { lines: ['waves\nand bows'], act: 'me' }],
    ['/topic tea', { lines: ['tea'], act: 'topic' }],
  ])('%j is said', (typed, say) => {
    expect(readTyped(typed)).toStrictEqual({ say });
  });

  test.each([
    ['/mee waves', /^unknown command \/mee, nothing was sent;/],
    ['/', /^unknown command \/, nothing was sent;/],
    ['/me', /^\/me wants a text behind it, nothing was sent$/],
    ['/topic  \n', /^\/topic wants a text/],
    [`/me ${'x'.repeat(PACK_LIMIT + 1)}`, /^this has 32,769 bytes, and a message takes 32,768: shorten it$/],
  ])('%j is not, and is told why', (typed, problem) => {
    expect(readTyped(typed)).toStrictEqual({ problem: expect.stringMatching(problem) });
  });

  test('what is too long is told with its size, and can be said in parts', () => {
    const line = `${'\u00e4'.repeat(499)}\n`;
    const typed = readTyped(line.repeat(100));
    expect(typed).toMatchObject({
      problem: 'this has 99,900 bytes, and a message takes 32,768: shorten it, or send it as 4 messages',
    });
    if (!('parts' in typed)) throw new Error('no parts');
    const texts = typed.parts?.flatMap(({ lines }) => lines) ?? [];
    expect(texts.map((text) => text.split('\n').length)).toStrictEqual([32, 32, 32, 5]);
    expect(texts.join('\n')).toBe(line.repeat(100));
  });

  test('what is told of it holds nothing that is not seen', () => {
    expect(JSON.stringify(readTyped('/\u202ex'))).not.toContain('\u202e');
  });
});

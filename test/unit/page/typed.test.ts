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
    ['x'.repeat(PACK_LIMIT + 1), /too long for one message/],
    [`/me ${'x'.repeat(PACK_LIMIT + 1)}`, /too long for one message/],
  ])('%j is not, and is told why', (typed, problem) => {
    expect(readTyped(typed)).toStrictEqual({ problem: expect.stringMatching(problem) });
  });

  test('what is told of it holds nothing that is not seen', () => {
    expect(JSON.stringify(readTyped('/\u202ex'))).not.toContain('\u202e');
  });
});

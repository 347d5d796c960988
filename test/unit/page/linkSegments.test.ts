import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { linkSegments } from '../../../src/page/linkSegments.js';
import { codePoint } from '../../support/codePoint.js';

const linksOf = (text: string): string[] =>
  linkSegments(text).flatMap((chunk) => (chunk.isLink ? [chunk.text] : []));

describe('linkSegments', () => {
  test.each([
    ['see https://example.org/a?b=c#d.', 'https://example.org/a?b=c#d'],
    ['(http://example.org)', 'http://example.org'],
    ['https://en.wikipedia.org/wiki/Rx_(film), the film', 'https://en.wikipedia.org/wiki/Rx_(film)'],
    ['<https://example.org/>', 'https://example.org/'],
    ['"https://example.org/x"', 'https://example.org/x'],
    ['https://example.org:8443/x!', 'https://example.org:8443/x'],
    ['https://example.org:443/', 'https://example.org:443/'],
    ['HTTPS://EXAMPLE.org/X', 'HTTPS://EXAMPLE.org/X'],
    ['https://[::1]:5/#x', 'https://[::1]:5/#x'],
    ['https://example.org/wiki/Z\u00fcrich', 'https://example.org/wiki/Z\u00fcrich'],
    ['one\nhttps://example.org/a\nhttp', 'https://example.org/a'],
  ])('finds a link in %j', (text, link) => {
    expect(linksOf(text)).toStrictEqual([link]);
  });

  test.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'ftp://example.org/',
    'xhttps://example.org/',
    'https://',
    'https:///example.org',
    'example.org',
    'https://bank.example@evil.example/',
    'https://bank.example:pass@evil.example/',
    'https://b\u0430nk.example/',
    'https://bank.example\u2044login.evil.example/',
    'https://0x7f.1/',
    'https://%65xample.org/',
  ])('finds no link in %j', (text) => {
    expect(linksOf(text)).toStrictEqual([]);
  });

  test('ends a link at a backslash, which browsers treat as a slash', () => {
    expect(linksOf('https://good.example\\@evil.example/')).toStrictEqual(['https://good.example']);
  });

  test('returns segments that form the text, and links that lead to the host they show', () => {
    const part = fc.oneof(
      fc.string({ unit: codePoint }),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.constantFrom('https://', 'http://a', '@', '\\', '(', ')', '/', '.', ' ', '\n', '%00', ':80'),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        const chunks = linkSegments(text);
        expect(chunks.map((chunk) => chunk.text).join('')).toBe(text);
        for (const part of chunks) {
          if (!part.isLink) continue;
          const { hostname, protocol } = new URL(part.text);
          expect(['http:', 'https:']).toContain(protocol);
          expect(
            part.text
              .slice(protocol.length + 2)
              .toLowerCase()
              .startsWith(hostname),
          ).toBe(true);
        }
      }),
    );
  });

  test('takes no time for 32 KiB of brackets', () => {
    expect(linksOf(`https://example.org/${'('.repeat(16_000)}${')'.repeat(16_000)}`)).toHaveLength(1);
    expect(linksOf(`https://example.org/${')'.repeat(32_000)}`)).toStrictEqual(['https://example.org/']);
  });
});

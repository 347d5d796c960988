import { describe, expect, test } from '@jest/globals';
import { isFromPage, normalOrigin } from '../../../src/web/origin.js';

const asks = (origin: string | undefined, host: string) => ({
  headers: { host, ...(origin !== undefined && { origin }) },
});
const certified = { isCertified: (name: string) => name === 'chat.example.org' };
const open = { host: '0.0.0.0', isSecure: true, ...certified };
const near = { host: '127.0.0.1', isSecure: false };

describe('a request for a WebSocket', () => {
  test('without an origin is of no browser, and may', () => {
    expect(isFromPage(asks(undefined, 'chat.example.org'), open)).toBe(true);
  });

  test.each([
    ['https://chat.example.org', 'chat.example.org'],
    ['https://chat.example.org', 'chat.example.org:443'],
    ['https://chat.example.org:8443', 'CHAT.example.org:8443'],
    ['https://[2001:db8::1]:8443', '[2001:db8::1]:8443'],
    ['https://192.0.2.1', '192.0.2.1'],
    ['https://localhost:8443', 'localhost:8443'],
  ])('from a page of the relay itself may: %s at %s', (origin, host) => {
    expect(isFromPage(asks(origin, host), open)).toBe(true);
  });

  test.each([
    ['https://evil.example', 'chat.example.org'],
    ['http://chat.example.org', 'chat.example.org'],
    ['https://chat.example.org:8443', 'chat.example.org'],
    ['https://chat.example.org.evil.example', 'chat.example.org'],
    ['null', 'chat.example.org'],
    ['', 'chat.example.org'],
    ['https://chat.example.org', ''],
    ['https://chat.example.org', 'chat.example.org@evil.example'],
  ])('from anywhere else may not: %s at %s', (origin, host) => {
    expect(isFromPage(asks(origin, host), open)).toBe(false);
  });

  test('from a page of an origin that was named may, behind a proxy that speaks TLS too', () => {
    const origins = new Set(['https://chat.example.org']);
    expect(isFromPage(asks('https://chat.example.org', '10.0.0.7:8080'), { ...near, origins })).toBe(true);
    expect(isFromPage(asks('https://evil.example', '10.0.0.7:8080'), { ...near, origins })).toBe(false);
  });

  test('from a page whose name leads here by DNS alone may not: Host and Origin are the same there too', () => {
    const rebound = asks('https://evil.example:8443', 'evil.example:8443');
    expect(isFromPage(rebound, open)).toBe(false);
    expect(isFromPage(asks('http://evil.example', 'evil.example'), { ...open, isSecure: false })).toBe(false);
    expect(isFromPage(rebound, { ...open, origins: new Set(['https://evil.example:8443']) })).toBe(true);
    expect(isFromPage(rebound, { ...open, host: 'Evil.example' })).toBe(true);
  });

  test('from a page of the relay itself may not where named origins alone may', () => {
    const only = { ...open, isOnly: true, origins: new Set(['https://pages.example']) };
    expect(isFromPage(asks('https://pages.example', 'chat.example.org'), only)).toBe(true);
    for (const host of ['chat.example.org', '192.0.2.1', 'localhost'])
      expect(isFromPage(asks(`https://${host}`, host), only)).toBe(false);
    expect(isFromPage(asks(undefined, 'chat.example.org'), only)).toBe(true);
  });

  test('within one machine may by the names of that alone, whatever DNS says', () => {
    expect(isFromPage(asks('http://127.0.0.1:8080', '127.0.0.1:8080'), near)).toBe(true);
    expect(isFromPage(asks('http://localhost:8080', 'localhost:8080'), near)).toBe(true);
    expect(isFromPage(asks('http://evil.example:8080', 'evil.example:8080'), near)).toBe(false);
  });
});

test('an origin is scheme, host and port, and nothing else', () => {
  expect(normalOrigin('https://Chat.Example.org:443')).toBe('https://chat.example.org');
  for (const text of [
    'chat.example.org',
    'ftp://a',
    'https://a/b',
    'https://a/?b',
    'https://a/#b',
    'https://b@a',
  ])
    expect(normalOrigin(text)).toBeUndefined();
});

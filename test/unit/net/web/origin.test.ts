import { describe, expect, test } from '@jest/globals';
import { isAllowedOrigin, normalizeOrigin } from '../../../../src/net/web/listenWeb.js';

const asks = (origin: string | undefined, host: string) => ({
  headers: { host, ...(origin !== undefined && { origin }) },
});
const certified = { isCertifiedFor: (name: string) => name === 'chat.example.org' };
const open = { host: '0.0.0.0', isSecure: true, ...certified };
const near = { host: '127.0.0.1', isSecure: false };

describe('a request for a WebSocket', () => {
  test('without an origin does not come from a browser and is accepted', () => {
    expect(isAllowedOrigin(asks(undefined, 'chat.example.org'), open)).toBe(true);
  });

  test.each([
    ['https://chat.example.org', 'chat.example.org'],
    ['https://chat.example.org', 'chat.example.org:443'],
    ['https://chat.example.org:8443', 'CHAT.example.org:8443'],
    ['https://[2001:db8::1]:8443', '[2001:db8::1]:8443'],
    ['https://192.0.2.1', '192.0.2.1'],
    ['https://localhost:8443', 'localhost:8443'],
  ])('from a page of the relay is accepted: %s at %s', (origin, host) => {
    expect(isAllowedOrigin(asks(origin, host), open)).toBe(true);
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
  ])('from another page is rejected: %s at %s', (origin, host) => {
    expect(isAllowedOrigin(asks(origin, host), open)).toBe(false);
  });

  test('from a page of a listed origin is accepted, also behind a proxy with TLS', () => {
    const origins = new Set(['https://chat.example.org']);
    expect(isAllowedOrigin(asks('https://chat.example.org', '10.0.0.7:8080'), { ...near, origins })).toBe(
      true,
    );
    expect(isAllowedOrigin(asks('https://evil.example', '10.0.0.7:8080'), { ...near, origins })).toBe(false);
  });

  test('is rejected when its name leads here by DNS only, although Host and Origin are equal', () => {
    const rebound = asks('https://evil.example:8443', 'evil.example:8443');
    expect(isAllowedOrigin(rebound, open)).toBe(false);
    expect(isAllowedOrigin(asks('http://evil.example', 'evil.example'), { ...open, isSecure: false })).toBe(
      false,
    );
    expect(isAllowedOrigin(rebound, { ...open, origins: new Set(['https://evil.example:8443']) })).toBe(true);
    expect(isAllowedOrigin(rebound, { ...open, host: 'Evil.example' })).toBe(true);
  });

  test('from a page of the relay is rejected when only listed origins are accepted', () => {
    const only = { ...open, isOnly: true, origins: new Set(['https://pages.example']) };
    expect(isAllowedOrigin(asks('https://pages.example', 'chat.example.org'), only)).toBe(true);
    for (const host of ['chat.example.org', '192.0.2.1', 'localhost'])
      expect(isAllowedOrigin(asks(`https://${host}`, host), only)).toBe(false);
    expect(isAllowedOrigin(asks(undefined, 'chat.example.org'), only)).toBe(true);
  });

  test('to a relay on this machine is accepted only by the names of this machine', () => {
    expect(isAllowedOrigin(asks('http://127.0.0.1:8080', '127.0.0.1:8080'), near)).toBe(true);
    expect(isAllowedOrigin(asks('http://localhost:8080', 'localhost:8080'), near)).toBe(true);
    expect(isAllowedOrigin(asks('http://evil.example:8080', 'evil.example:8080'), near)).toBe(false);
  });
});

test('an origin consists of scheme, host and port only', () => {
  expect(normalizeOrigin('https://Chat.Example.org:443')).toBe('https://chat.example.org');
  for (const text of [
    'chat.example.org',
    'ftp://a',
    'https://a/b',
    'https://a/?b',
    'https://a/#b',
    'https://b@a',
  ])
    expect(normalizeOrigin(text)).toBeUndefined();
});

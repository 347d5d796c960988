import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatAddress, isLoopback } from '../../../src/util/address.js';
import { createInvite, InviteError } from '../../../src/invite/invite.js';
import { formatInvite, parseInvite } from '../../../src/invite/inviteText.js';
import { toBase64url } from '../../../streams/wire/encoding.js';

const bytes = new Uint8Array(32).map((_, at) => at * 37 + 11);
const SECRET = toBase64url(bytes);
const PIN = toBase64url(bytes.map((byte) => 255 - byte));
const GROUP = toBase64url(bytes.map((byte) => 128 ^ byte));
const INVITE = `rxchat://chat.example.org:4000/#${SECRET}`;

const secret = fc.uint8Array({ minLength: 32, maxLength: 32 });
const name = fc.domain().filter((host) => host.length < 200);
const address = fc.record({
  host: fc.oneof(name, fc.ipV4(), fc.ipV6(), fc.constant('localhost')),
  port: fc.integer({ min: 1, max: 65_535 }),
});

/** Returns the message of the thrown error, which must be an `InviteError`. */
const complaint = (text: string): string => {
  try {
    parseInvite(text);
  } catch (error) {
    expect(error).toBeInstanceOf(InviteError);
    return (error as InviteError).message;
  }
  throw new Error(`was taken for an invite: ${text}`);
};

const chunksOf = (text: string): string[] =>
  Array.from({ length: Math.max(0, text.length - 7) }, (_, at) => text.slice(at, at + 8).toLowerCase());

const expectNothingOf = (text: string, message: string) => {
  const leaked = chunksOf(text).filter((chunk) => message.toLowerCase().includes(chunk));
  expect(leaked).toStrictEqual([]);
};

describe('an invite', () => {
  test('parses to what was formatted', () => {
    expect(formatInvite({ host: 'chat.example.org', port: 4000, secret: bytes })).toBe(INVITE);
    expect(parseInvite(INVITE)).toStrictEqual({ host: 'chat.example.org', port: 4000, secret: bytes });
  });

  test('parses to what was formatted, for any host, port and secret', () => {
    fc.assert(
      fc.property(address, secret, (where, what) => {
        const read = parseInvite(formatInvite({ ...where, secret: what }));
        expect(read.secret).toStrictEqual(what);
        expect(read.port).toBe(where.port);
        // An IPv6 address may be returned in its shortest spelling, which is the same address.
        const spelled = new URL(`http://${formatAddress(where)}`).hostname.replace(/^\[|\]$/g, '');
        expect(new URL(`http://${formatAddress(read)}`).hostname.replace(/^\[|\]$/g, '')).toBe(spelled);
      }),
    );
  });

  test('is either formatted so that it parses to the same invite, or rejected', () => {
    const host = fc.oneof(
      fc.string({ maxLength: 12 }),
      address.map((each) => each.host),
      fc.tuple(fc.webAuthority({ withPort: true, withUserInfo: true })).map(([each]) => each),
      fc.constantFrom(
        'localhost:123',
        'fe80::1%lo',
        '%',
        ':',
        '1.2.3.4.5',
        '999.1.1.1',
        '[::1]',
        'a/b',
        'b\u00fccher.example',
        'a b',
        '',
      ),
    );
    fc.assert(
      fc.property(
        host,
        fc.integer({ min: -1, max: 70_000 }),
        secret,
        fc.constantFrom(undefined, 'https' as const, 'http' as const),
        fc.constantFrom(undefined, PIN),
        fc.constantFrom(undefined, GROUP),
        (where, port, what, web, pin, group) => {
          const invite = { host: where, port, secret: what, web, pin, group };
          let text: string;
          try {
            text = formatInvite(invite);
          } catch (error) {
            expect(error).toBeInstanceOf(InviteError);
            return;
          }
          const read = parseInvite(text);
          expect({ ...read, host: undefined }).toEqual({ ...invite, host: undefined });
          expect(read.host).toBe(
            new URL(`http://${formatAddress({ host: where, port: 80 })}`).hostname.replace(/^\[|\]$/g, ''),
          );
          // A parsed invite has the same format again.
          expect(formatInvite(read)).toBe(formatInvite(parseInvite(formatInvite(read))));
        },
      ),
    );
  });

  test.each(['localhost:123', 'fe80::1%lo', '%', ':', '1.2.3.4.5', '999.1.1.1', 'a/b', 'a@b', 'a?b', ''])(
    'is not formatted for the host %p',
    (where) => {
      expect(() => formatInvite({ host: where, port: 4000, secret: bytes })).toThrow(InviteError);
    },
  );

  test('can be a page link, with the default port of its scheme', () => {
    const link = { host: 'chat.example.org', port: 443, secret: bytes, web: 'https' as const };
    expect(formatInvite(link)).toBe(`https://chat.example.org:443/#${SECRET}`);
    for (const text of [
      formatInvite(link),
      `https://chat.example.org/#${SECRET}`,
      `HTTPS://CHAT.example.org#${SECRET}`,
    ])
      expect(parseInvite(text)).toStrictEqual(link);
    expect(parseInvite(`http://127.0.0.1:8080/#${SECRET}`)).toStrictEqual({
      host: '127.0.0.1',
      port: 8080,
      secret: bytes,
      web: 'http',
    });
    expect(parseInvite(`http://127.0.0.1/#${SECRET}`).port).toBe(80);
    const pinned = { ...link, pin: PIN };
    expect(parseInvite(formatInvite(pinned))).toStrictEqual(pinned);
  });

  test('has the pin of a relay with TLS after its secret', () => {
    const pinned = { host: 'chat.example.org', port: 4000, secret: bytes, pin: PIN };
    expect(formatInvite(pinned)).toBe(`${INVITE},pin=${PIN}`);
    expect(parseInvite(`${INVITE},pin=${PIN}`)).toStrictEqual(pinned);
    expect(createInvite({ host: '::1', port: 1, pin: PIN })).toMatchObject({
      host: '::1',
      port: 1,
      pin: PIN,
    });
  });

  test('has the hash of its group after its secret, also as a page link', () => {
    const invite = { host: 'chat.example.org', port: 4000, secret: bytes, group: GROUP };
    expect(formatInvite(invite)).toBe(`${INVITE},group=${GROUP}`);
    expect(parseInvite(`${INVITE},group=${GROUP}`)).toStrictEqual(invite);
    const pinned = { ...invite, pin: PIN };
    expect(formatInvite(pinned)).toBe(`${INVITE},group=${GROUP},pin=${PIN}`);
    for (const values of [`group=${GROUP},pin=${PIN}`, `pin=${PIN},group=${GROUP}`])
      expect(parseInvite(`${INVITE},${values}`)).toStrictEqual(pinned);
    const link = { ...pinned, web: 'https' as const };
    expect(parseInvite(formatInvite(link))).toStrictEqual(link);
    expect(createInvite({ host: '::1', port: 1, group: GROUP })).toMatchObject({ group: GROUP });
  });

  test('has other relays after its secret, which share its pin', () => {
    const otherRelays = [
      { host: 'b.example.org', port: 4000 },
      { host: '2001:db8::1', port: 1 },
    ];
    const invite = { host: 'chat.example.org', port: 4000, otherRelays, secret: bytes, pin: PIN };
    const text = `${INVITE},pin=${PIN},relays=b.example.org:4000+[2001:db8::1]:1`;
    expect(formatInvite(invite)).toBe(text);
    expect(parseInvite(text)).toStrictEqual(invite);
    expect(parseInvite(`${INVITE},relays=B.example.org`)).toMatchObject({
      otherRelays: [{ host: 'b.example.org', port: 55_555 }],
    });
    expect(formatInvite({ ...invite, pin: undefined, otherRelays: [] })).toBe(INVITE);
  });

  test('keeps any other relays', () => {
    fc.assert(
      fc.property(fc.array(address, { minLength: 1, maxLength: 7 }), (otherRelays) => {
        const text = formatInvite({ host: '::1', port: 1, secret: bytes, otherRelays });
        const read = parseInvite(text);
        expect(formatInvite(read)).toBe(formatInvite(parseInvite(formatInvite(read))));
        expect(read.otherRelays?.map(({ port }) => port)).toStrictEqual(otherRelays.map(({ port }) => port));
      }),
    );
  });

  test('is not formatted with another relay that is no address', () => {
    for (const host of ['', 'a+b', 'a,pin=b', 'a#b', 'a/b'])
      expect(() =>
        formatInvite({ host: '::1', port: 1, secret: bytes, otherRelays: [{ host, port: 1 }] }),
      ).toThrow(InviteError);
  });

  test('keeps any group for any secret', () => {
    fc.assert(
      fc.property(secret, secret, (what, hash) => {
        const group = toBase64url(hash);
        const read = parseInvite(formatInvite({ host: '::1', port: 1, secret: what, group }));
        expect(read).toStrictEqual({ host: '::1', port: 1, secret: what, group });
      }),
    );
  });

  test('is not formatted with a group that is no hash', () => {
    for (const group of ['', 'x', `${GROUP}A`, `${GROUP},pin=${PIN}`])
      expect(() => formatInvite({ host: '::1', port: 1, secret: bytes, group })).toThrow(InviteError);
  });

  const taken: [string, string, { host: string; port: number }][] = [
    ['an IPv6 address', `rxchat://[2001:db8::1]:4000/#${SECRET}`, { host: '2001:db8::1', port: 4000 }],
    ['no port: the usual one', `rxchat://example.org/#${SECRET}`, { host: 'example.org', port: 55_555 }],
    ['an IPv6 address without a port', `rxchat://[::1]/#${SECRET}`, { host: '::1', port: 55_555 }],
    [
      'a name with accents',
      `rxchat://Bücher.example:1/#${SECRET}`,
      { host: 'xn--bcher-kva.example', port: 1 },
    ],
    ['no slash', `rxchat://example.org:1#${SECRET}`, { host: 'example.org', port: 1 }],
    ['space around it', `  ${INVITE}\r\n`, { host: 'chat.example.org', port: 4000 }],
  ];
  test.each(taken)('can have %s', (_case, text, where) => {
    expect(parseInvite(text)).toStrictEqual({ ...where, secret: bytes });
  });

  test('is for a new room each time, by default on this machine', () => {
    const one = createInvite();
    const two = createInvite({ host: '::1', port: 4000 });
    expect(one).toMatchObject({ host: '127.0.0.1', port: 55_555 });
    expect(formatInvite(two)).toMatch(/^rxchat:\/\/\[::1\]:4000\/#[\w-]{43}$/);
    expect(one.secret).toHaveLength(32);
    expect(one.secret).not.toStrictEqual(two.secret);
  });
});

describe('a text that is not an invite is rejected without printing its secret', () => {
  const SHAPE = 'an invite is rxchat://HOST:PORT/#SECRET';
  const notBase64url = "the invite's secret is not base64url";
  const wrong: [string, string, string][] = [
    ['nothing', '', `this is not an invite: ${SHAPE}`],
    ['text', 'hello', 'this is not an invite'],
    ['the secret alone', SECRET, 'this is not an invite'],
    ['the secret with a colon, which makes a scheme of it', `a${SECRET.replaceAll('_', '-')}:`, 'is a link'],
    ['an address without a scheme', `//example.org/#${SECRET}`, 'this is not an invite'],
    ['a web address', 'https://example.org/page', 'is a link, but not an invite of rxchat'],
    ['a web address with a fragment', 'https://example.org/#top', 'is a link, but not an invite of rxchat'],
    ['a page with a path', `https://example.org/chat/#${SECRET}`, 'unexpected characters'],
    ['a page with a query', `https://example.org/?a#${SECRET}`, 'unexpected characters'],
    ['a page whose secret was cut off', `https://example.org/#${SECRET.slice(0, 30)}`, 'has 30 characters'],
    ['a pin without TLS', `http://127.0.0.1/#${SECRET},pin=${PIN}`, 'its page does not use TLS'],
    [
      'a page of a room with a passphrase',
      'https://example.org/#passphrase,kdf=scrypt-17-8-1,room=a',
      'not a page link',
    ],
    ['an invite of something else', `rxchats://example.org/#${SECRET}`, 'is a link, but not an invite'],
    ['no host', `rxchat:///#${SECRET}`, 'has no host'],
    ['no host and no slashes', `rxchat:#${SECRET}`, 'has no host'],
    ['only a port', `rxchat://:4000/#${SECRET}`, 'not an invite'],
    ['a port beyond 65535', `rxchat://example.org:65536/#${SECRET}`, 'not an invite'],
    ['a port that is no number', `rxchat://example.org:x/#${SECRET}`, 'not an invite'],
    ['port 0', `rxchat://example.org:0/#${SECRET}`, 'port 0'],
    ['the secret in place of the port', `rxchat://example.org:${SECRET}`, 'not an invite'],
    ['the secret in place of the host', `rxchat://${SECRET}`, 'has no secret'],
    ['the secret as a path', `rxchat://example.org/${SECRET}`, 'unexpected characters'],
    ['the secret as a query', `rxchat://example.org/?${SECRET}`, 'unexpected characters'],
    ['the secret as a user', `rxchat://${SECRET}@example.org/`, 'unexpected characters'],
    ['a user', `rxchat://alice@example.org/#${SECRET}`, 'unexpected characters'],
    ['a path', `rxchat://example.org/room#${SECRET}`, 'unexpected characters'],
    ['a query', `rxchat://example.org/?a=b#${SECRET}`, 'unexpected characters'],
    ['a line break in the secret', `${INVITE.slice(0, -9)}\n${INVITE.slice(-9)}`, 'unexpected characters'],
    ['a host that is no host', `rxchat://ex%zzample/#${SECRET}`, 'host'],
    ['an escaped space in the host', `rxchat://ex%20ample/#${SECRET}`, 'host'],
    ['no secret', 'rxchat://example.org/', 'has no secret (the part after #); it may be cut off'],
    ['an empty secret', 'rxchat://example.org/#', 'has no secret'],
    ['a secret cut by one', INVITE.slice(0, -1), '42 characters instead of 43; it may be cut off'],
    ['a secret cut to one', INVITE.slice(0, -42), '1 characters instead of 43'],
    ['a secret with one too many', `${INVITE}A`, '44 characters instead of 43'],
    ['a padded secret', `${INVITE}=`, '44 characters instead of 43'],
    ['another secret behind it', `${INVITE}#${SECRET}`, '87 characters instead of 43'],
    ['a secret of the alphabet with + and /', `${INVITE.slice(0, -2)}+/`, notBase64url],
    ['a secret with a dot', INVITE.replace(/.(?=.{9}$)/, '.'), notBase64url],
    ['a secret with an escape', `${INVITE.slice(0, -3)}%41`, notBase64url],
    ['a pin that was cut', `${INVITE},pin=${PIN.slice(1)}`, "the invite's pin is not 43 characters"],
    [
      'a pin of the alphabet with +',
      `${INVITE},pin=${PIN.slice(1)}+`,
      "the invite's pin is not 43 characters",
    ],
    ['no pin where one is named', `${INVITE},pin=`, 'a part after its secret that is not name=value'],
    ['something unnamed', `${INVITE},${PIN}`, 'a part after its secret that is not name=value'],
    ['a group that was cut', `${INVITE},group=${GROUP.slice(1)}`, "the invite's group is not 43 characters"],
    ['no group where one is named', `${INVITE},group=`, 'a part after its secret that is not name=value'],
    ['two groups', `${INVITE},group=${GROUP},group=${PIN}`, 'repeats a value'],
    ['an unknown name beside a group', `${INVITE},group=${GROUP},grove=${GROUP}`, 'may need a newer rxchat'],
    [
      'no other relay where one is named',
      `${INVITE},relays=`,
      'a part after its secret that is not name=value',
    ],
    ['an empty other relay', `${INVITE},relays=b:1++c:1`, 'has no host'],
    ['another relay at port 0', `${INVITE},relays=b:0`, 'port 0'],
    ['another relay beyond port 65535', `${INVITE},relays=b:65536`, 'this is not an invite'],
    ['another relay with a path', `${INVITE},relays=b:1/c`, 'unexpected characters'],
    ['another relay with a fragment', `${INVITE},relays=b:1#c`, 'unexpected characters'],
    ['another relay with a user', `${INVITE},relays=a@b:1`, 'unexpected characters'],
    ['other relays twice', `${INVITE},relays=b:1,relays=c:1`, 'repeats a value'],
    ['other relays of a page', `https://example.org/#${SECRET},relays=b:1`, 'may need a newer rxchat'],
    ['a group in capitals', `${INVITE},GROUP=${GROUP}`, 'a part after its secret that is not name=value'],
    ['two pins', `${INVITE},pin=${PIN},pin=${PIN}`, 'repeats a value'],
    ['what a newer one says', `${INVITE},pin=${PIN},pow=3`, 'may need a newer rxchat'],
    ['a pin alone', `rxchat://example.org/#pin=${PIN}`, '47 characters instead of 43'],
    ['a secret whose last bits are not zero', `${INVITE.slice(0, -1)}B`, notBase64url],
  ];

  test.each(wrong)('%s', (_case, text, message) => {
    const sent = complaint(text);
    expect(sent).toContain(message);
    expectNothingOf(SECRET, sent);
  });

  test('an invite that is cut off anywhere is rejected', () => {
    for (let length = 0; length < INVITE.length; length += 1) {
      expectNothingOf(SECRET, complaint(INVITE.slice(0, length)));
    }
  });

  test('an invite that is changed anywhere is rejected or names another room', () => {
    const change = fc.record({
      at: fc.nat({ max: INVITE.length - 1 }),
      to: fc.string({ unit: 'binary-ascii' }),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const letters = Array.from(INVITE);
        for (const { at, to } of changes) letters[at] = to;
        const text = letters.join('');
        try {
          expect(formatInvite(parseInvite(text))).toMatch(/^rxchat:\/\/.+:\d+\/#[\w-]{43}$/);
        } catch (error) {
          expect(error).toBeInstanceOf(InviteError);
          expectNothingOf(SECRET, (error as InviteError).message);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('an address', () => {
  test.each(['127.0.0.1', '127.255.0.3', 'localhost', '::1'])('%s is on this machine', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  test.each(['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'localhost.example.org', '127.0.0.1.example.org', ''])(
    '%p is not on this machine',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});

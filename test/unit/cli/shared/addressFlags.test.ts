import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  addressFromFlags,
  hostFromFlags,
  listenAddressFromFlags,
  otherRelaysFromFlags,
} from '../../../../src/cli/shared/addressFlags.js';
import { relayFromFlags } from '../../../../src/cli/shared/connectFromFlags.js';
import { CliError, Exit } from '../../../../src/cli/process/exit.js';
import { formatInvite, parseInvite } from '../../../../src/invite/inviteText.js';

const faultOf = (host: string, key: 'host' | 'webHost' = 'host'): string => {
  try {
    hostFromFlags({ [key]: host }, key);
  } catch (error) {
    expect(error).toBeInstanceOf(CliError);
    const { exitCode, message, hint } = error as CliError;
    expect(exitCode).toBe(Exit.usage);
    return `${message}\n${hint ?? ''}`;
  }
  throw new Error(`was taken: ${host}`);
};

describe('--host', () => {
  test.each([
    ['localhost', 'localhost'],
    ['Chat.Example.ORG', 'chat.example.org'],
    ['example.org.', 'example.org.'],
    ['a'.repeat(63), 'a'.repeat(63)],
    [`${'a.'.repeat(126)}b.`, `${'a.'.repeat(126)}b.`],
    ['my_host-1', 'my_host-1'],
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['::', '::'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['[2001:DB8::1]', '2001:db8::1'],
    ['b\u00fccher.example', 'xn--bcher-kva.example'],
    ['\u4f8b\u3048.jp', 'xn--r8jz45g.jp'],
    [' localhost\n', 'localhost'],
  ])('parses %j as %s', (given, host) => {
    expect(hostFromFlags({ host: given }, 'host')).toBe(host);
    expect(hostFromFlags({ webHost: given }, 'webHost')).toBe(host);
  });

  test.each<[string, RegExp]>([
    [
      'localhost:123',
      /^--host needs a host name or an address without a port\ngive the port with --port 123$/,
    ],
    ['[::1]:123', /without a port\ngive the port with --port 123$/],
    ['1.2.3.4:5', /without a port\ngive the port with --port 5$/],
    ['b\u00fccher.example:1', /give the port with --port 1$/],
    ['localhost:', /without a port\ngive the port with --port$/],
    [':', /without a port/],
    ['https://chat.example.org/', /not a URL\ngive only the host/],
    ['fe80::1%lo', /without %\na zone is valid only on this machine/],
    ['[fe80::1%25eth0]', /without %\na zone/],
    ['%', /without %\n$/],
    ['%41', /without %\n$/],
    ['12345', /if you mean the address 0\.0\.48\.57, write it that way/],
    ['127.1', /if you mean the address 127\.0\.0\.1, write it that way/],
    ['0x7f.1', /if you mean the address 127\.0\.0\.1/],
    ['127.0.0.1.', /if you mean the address 127\.0\.0\.1/],
    ['\uff11.2.3.4', /if you mean the address 1\.2\.3\.4/],
    ['1.2.3.4.5', /^--host needs a host name or an address\n$/],
    ['a'.repeat(64), /at most 253 characters, and 63 between/],
    [`${'a.'.repeat(127)}b`, /at most 253 characters, and 63 between/],
    ['999.1.1.1', /^--host needs a host name or an address\n$/],
    ['my host', /^--host needs a host name or an address\n$/],
    ['a/b', /^--host needs/],
    ['a@b', /^--host needs/],
    ['a?b', /^--host needs/],
    ['a#b', /^--host needs/],
    ['[localhost]', /^--host needs/],
    ['[1.2.3.4]', /^--host needs/],
    ['::1]', /^--host needs/],
    ['1:2:3', /^--host needs/],
    ['.', /^--host needs/],
    ['a..b', /^--host needs/],
    ['a\u0000b', /^--host needs/],
  ])('rejects %j with the reason', (given, expected) => {
    expect(faultOf(given)).toMatch(expected);
    expect(faultOf(given, 'webHost')).toMatch(/^--web-host needs/);
  });

  test('names the flag of the port in an error', () => {
    expect(faultOf('localhost:123', 'webHost')).toMatch(/--web-port 123$/);
  });

  test('makes an invite that names every accepted host', () => {
    const host = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.domain(),
      fc.ipV4Extended(),
      fc.ipV6(),
      fc.ipV6().map((each) => `[${each}]`),
      fc.string({ unit: fc.constantFrom(...Array.from('.:%[]0123456789abcdefx-_/\u00fc')), maxLength: 10 }),
    );
    const secret = new Uint8Array(32);
    fc.assert(
      fc.property(host, (given) => {
        let address;
        try {
          address = addressFromFlags({ host: given });
        } catch (error) {
          expect(error).toBeInstanceOf(CliError);
          return;
        }
        expect(parseInvite(formatInvite({ ...address, secret }))).toStrictEqual({ ...address, secret });
        // The parsed host parses to itself.
        expect(addressFromFlags({ host: address.host })).toStrictEqual(address);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('an address of one flag', () => {
  test.each([
    ['9464', '127.0.0.1', 9464],
    ['0', '127.0.0.1', 0],
    ['0.0.0.0:9464', '0.0.0.0', 9464],
    ['localhost:1', 'localhost', 1],
    ['[::1]:65535', '::1', 65_535],
  ])('parses %s as host %s and port %i', (given, host, port) => {
    expect(listenAddressFromFlags({ metrics: given }, 'metrics')).toStrictEqual({ host, port });
  });

  test.each(['localhost', '65536', ':9464', 'http://localhost', '1.2.3.4:', '-1', '9464x'])(
    'rejects %s',
    (given) => {
      expect(() => listenAddressFromFlags({ metrics: given }, 'metrics')).toThrow(/^--metrics needs /);
    },
  );

  test('is absent without the flag', () => {
    expect(listenAddressFromFlags({}, 'metrics')).toBeUndefined();
  });
});

describe('--relay', () => {
  test.each([
    ['b.example.org', { host: 'b.example.org', port: 55_555 }],
    ['B.example.org:1', { host: 'b.example.org', port: 1 }],
    ['192.0.2.2:4000', { host: '192.0.2.2', port: 4000 }],
    ['[2001:db8::2]:4000', { host: '2001:db8::2', port: 4000 }],
    ['[::1]', { host: '::1', port: 55_555 }],
  ])('parses %s', (given, address) => {
    expect(otherRelaysFromFlags({ relay: [given] })).toStrictEqual([address]);
  });

  test('is absent if it is not given', () => {
    expect(otherRelaysFromFlags({ relay: [] })).toBeUndefined();
  });

  test.each(['b:0', 'b:65536', 'b:x', ':1', '2001:db8::2', 'https://b', 'a+b:1', 'a b'])(
    'rejects %j with a usage error',
    (given) => {
      expect(() => otherRelaysFromFlags({ relay: [given] })).toThrow(/^--relay needs a host/);
    },
  );

  test('an address is not given twice, and at most 7 are given', () => {
    expect(() => relayFromFlags({ relay: ['127.0.0.1'] })).toThrow('127.0.0.1:55555 is given twice');
    const seven = Array.from({ length: 7 }, (_, n) => `192.0.2.${n}`);
    expect(relayFromFlags({ relay: seven }).otherRelays).toHaveLength(7);
    expect(() => relayFromFlags({ relay: [...seven, '192.0.2.9'] })).toThrow('--relay can be given 7 times');
  });
});

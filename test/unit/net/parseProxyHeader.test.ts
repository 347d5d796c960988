import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseProxyHeader } from '../../../src/net/parseProxyHeader.js';

const V2_SIGNATURE = '0d0a0d0a000d0a515549540a';
const v2 = (rest: string) => Buffer.from(V2_SIGNATURE + rest.replaceAll(' ', ''), 'hex');
const v1 = (line: string) => Buffer.from(`${line}\r\n`);

const valid: readonly (readonly [string, Buffer, string | undefined])[] = [
  ['TCP4 of version 1', v1('PROXY TCP4 192.0.2.7 198.51.100.1 40000 443'), '192.0.2.7:40000'],
  ['TCP6 of version 1', v1('PROXY TCP6 2001:DB8:0::7 2001:db8::1 1 65535'), '2001:db8::7:1'],
  ['an unknown client of version 1', v1('PROXY UNKNOWN'), undefined],
  ['an unknown client with fields', v1('PROXY UNKNOWN ffff:f...f:ffff 1 2 3'), undefined],
  ['TCP4 of version 2', v2('21 11 000c c0000207 c6336401 9c40 01bb'), '192.0.2.7:40000'],
  [
    'TCP6 of version 2, with an extension',
    v2(`21 21 0028 20010db8000000000000000000000007 ${'00'.repeat(16)} 0001 01bb 04000100`),
    '2001:db8::7:1',
  ],
  ['a health check of version 2', v2('20 00 0000'), undefined],
  ['a health check with addresses', v2('20 11 000c 00000000 00000000 0000 0000'), undefined],
  ['a UNIX socket of version 2', v2(`21 31 00d8 ${'00'.repeat(216)}`), undefined],
];

const invalid: readonly (readonly [string, Buffer, RegExp])[] = [
  ['a client without a header', Buffer.from('JOIN '), /does not begin with a header/],
  ['the start of TLS', Buffer.from('160301', 'hex'), /does not begin with a header/],
  ['a host that is no address', v1('PROXY TCP4 localhost 198.51.100.1 1 2'), /other fields/],
  ['an IPv6 address as TCP4', v1('PROXY TCP4 ::1 ::1 1 2'), /other fields/],
  ['a port above 65535', v1('PROXY TCP4 192.0.2.7 198.51.100.1 65536 2'), /other fields/],
  ['a port with a sign', v1('PROXY TCP4 192.0.2.7 198.51.100.1 +1 2'), /other fields/],
  ['too few fields', v1('PROXY TCP4 192.0.2.7 198.51.100.1 1'), /other fields/],
  ['too many fields', v1('PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3'), /other fields/],
  ['another protocol', v1('PROXY UDP4 192.0.2.7 198.51.100.1 1 2'), /other fields/],
  ['a line without an end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}`), /more than 107 bytes/],
  ['an end that comes too late', v1(`PROXY UNKNOWN ${'x'.repeat(200)}`), /more than 107 bytes/],
  ['another version', v2('31 11 000c c0000207 c6336401 9c40 01bb'), /version or the command/],
  ['another command', v2('22 11 000c c0000207 c6336401 9c40 01bb'), /version or the command/],
  ['addresses that are too short', v2('21 11 000b c0000207 c6336401 9c40 01'), /incomplete/],
  ['a header of 64 KiB', v2('21 11 ffff'), /more than 4096 bytes/],
];

const clientOf = (bytes: Buffer) => {
  const header = parseProxyHeader(bytes);
  if (header.type !== 'complete') throw new Error(JSON.stringify(header));
  const { source, lengthBytes } = header;
  return { client: source && `${source.host}:${source.port}`, lengthBytes };
};

describe('parseProxyHeader', () => {
  test.each(valid)('parses %s, and leaves what follows', (_, bytes, client) => {
    const lengthBytes = bytes.length;
    expect(clientOf(bytes)).toStrictEqual({ client, lengthBytes });
    expect(clientOf(Buffer.concat([bytes, Buffer.from('\r\nPROXY')]))).toStrictEqual({ client, lengthBytes });
  });

  test.each(valid)('waits for the rest of %s', (_, bytes) => {
    for (let length = 0; length < bytes.length; length += 1)
      expect(parseProxyHeader(bytes.subarray(0, length))).toStrictEqual({ type: 'incomplete' });
  });

  test.each(invalid)('rejects %s', (_, bytes, reason) => {
    expect(parseProxyHeader(bytes)).toStrictEqual({ type: 'invalid', reason: expect.stringMatching(reason) });
  });

  test('parses any bytes without an exception, and never waits for more than 4096', () => {
    const starts = [Buffer.alloc(0), Buffer.from('PROXY '), Buffer.from(V2_SIGNATURE, 'hex')];
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 300 }), (start, rest) => {
        const bytes = Buffer.concat([start, rest]);
        const header = parseProxyHeader(bytes);
        if (header.type === 'complete') expect(header.lengthBytes).toBeLessThanOrEqual(bytes.length);
        expect(parseProxyHeader(Buffer.concat([bytes, Buffer.alloc(4096)])).type).not.toBe('incomplete');
      }),
    );
  });
});

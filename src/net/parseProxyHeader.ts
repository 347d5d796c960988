import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { Address } from '../util/address.js';

/** What the first bytes of a connection are. */
export type ProxyHeader =
  /** The header is not complete yet. */
  | { readonly type: 'incomplete' }
  | { readonly type: 'invalid'; readonly reason: string }
  /** `source` is the address of the client, or `undefined` if the proxy itself connects or does not know it. */
  | { readonly type: 'complete'; readonly lengthBytes: number; readonly source: Address | undefined };

/** Maximum length of a header of version 1, with its line end. */
const MAX_V1_BYTES = 107;

/** Maximum length of a header of version 2. The protocol allows 64 KiB, and proxies send some hundred bytes. */
const MAX_V2_BYTES = 4096;

const V1_START = Buffer.from('PROXY ');
const V2_START = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);

/** Length of the fixed part of version 2. */
const V2_FIXED_BYTES = 16;

const COMMANDS = { local: 0x20, proxy: 0x21 } as const;

/** Family and transport of version 2, with the length of a host. Other values have no address for us. */
const FAMILIES: Readonly<Record<number, { readonly hostBytes: number; readonly family: 'ipv4' | 'ipv6' }>> = {
  0x11: { hostBytes: 4, family: 'ipv4' },
  0x21: { hostBytes: 16, family: 'ipv6' },
};

/**
 * Parses the header with which a proxy begins a connection, version 1 or 2.
 *
 * @param bytes what was received so far
 * @see https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
export const parseProxyHeader = (bytes: Buffer): ProxyHeader => {
  if (startsWith(bytes, V2_START)) return parseV2(bytes);
  if (startsWith(bytes, V1_START)) return parseV1(bytes);
  return { type: 'invalid', reason: 'the connection does not begin with a header' };
};

/** Whether bytes begin with `start`, or may do so when more have arrived. */
const startsWith = (bytes: Buffer, start: Buffer): boolean => {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
};

const parseV1 = (bytes: Buffer): ProxyHeader => {
  const end = bytes.indexOf('\r\n');
  if (end === -1 || end + 2 > MAX_V1_BYTES)
    return bytes.length < MAX_V1_BYTES
      ? { type: 'incomplete' }
      : { type: 'invalid', reason: `the line has more than ${MAX_V1_BYTES} bytes` };
  const lengthBytes = end + 2;
  const [, protocol = '', host = '', target = '', port = '', targetPort = '', ...more] = bytes
    .toString('latin1', 0, end)
    .split(' ');
  if (protocol === 'UNKNOWN') return { type: 'complete', lengthBytes, source: undefined };
  const isHost = protocol === 'TCP4' ? isIPv4 : protocol === 'TCP6' ? isIPv6 : undefined;
  const isValid =
    isHost?.(host) === true && isHost(target) && isPort(port) && isPort(targetPort) && more.length === 0;
  if (!isValid) return { type: 'invalid', reason: 'the line has other fields than version 1' };
  const family = protocol === 'TCP4' ? 'ipv4' : 'ipv6';
  return { type: 'complete', lengthBytes, source: sourceAddress(host, Number(port), family) };
};

const isPort = (text: string): boolean => /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;

const parseV2 = (bytes: Buffer): ProxyHeader => {
  if (bytes.length < V2_FIXED_BYTES) return { type: 'incomplete' };
  const command = bytes.readUInt8(12);
  if (command !== COMMANDS.local && command !== COMMANDS.proxy)
    return { type: 'invalid', reason: 'the version or the command is unknown' };
  const family = FAMILIES[bytes.readUInt8(13)];
  const lengthBytes = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (lengthBytes > MAX_V2_BYTES)
    return { type: 'invalid', reason: `the header has more than ${MAX_V2_BYTES} bytes` };
  const addressBytes = family === undefined ? 0 : 2 * family.hostBytes + 4;
  if (command === COMMANDS.proxy && lengthBytes < V2_FIXED_BYTES + addressBytes)
    return { type: 'invalid', reason: 'the addresses are incomplete' };
  if (bytes.length < lengthBytes) return { type: 'incomplete' };
  if (command === COMMANDS.local || family === undefined)
    return { type: 'complete', lengthBytes, source: undefined };
  const host = formatHost(bytes.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + family.hostBytes));
  const port = bytes.readUInt16BE(V2_FIXED_BYTES + 2 * family.hostBytes);
  return { type: 'complete', lengthBytes, source: sourceAddress(host, port, family.family) };
};

/** Formats 4 bytes as an IPv4 address, and 16 as an IPv6 address. */
const formatHost = (bytes: Buffer): string =>
  bytes.length === 4
    ? bytes.join('.')
    : Array.from({ length: 8 }, (_, n) => bytes.readUInt16BE(2 * n).toString(16)).join(':');

/** Returns an address whose host has its canonical form. */
const sourceAddress = (host: string, port: number, family: 'ipv4' | 'ipv6'): Address => ({
  host: new SocketAddress({ address: host, family }).address,
  port,
});

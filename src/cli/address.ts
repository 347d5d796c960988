import { type Address, DEFAULT_ADDRESS, isLoopback } from '../address.js';
import { usageError } from './exit.js';
import { type Flags, integer, text } from './flags.js';

/** `--host` and `--port`. */
export const readAddress = (flags: Flags, lowestPort = 1): Address => {
  const host = text(flags, 'host') ?? DEFAULT_ADDRESS.host;
  if (!/^[\w.:%-]+$/.test(host)) throw usageError('--host needs a host name or an address');
  return { host, port: integer(flags, 'port', lowestPort, 65_535) ?? DEFAULT_ADDRESS.port };
};

/** Whether TLS is spoken with an address: unless something else is said, wherever it leaves this machine. */
export const isSecured = (host: string, { tls, plain }: Flags): boolean => {
  if (tls === true && plain === true) throw usageError('--tls and --plain exclude each other');
  return plain !== true && (tls === true || !isLoopback(host));
};

import { type Address, DEFAULT_ADDRESS } from '../address.js';
import { usageError } from './exit.js';
import { type Flags, integer, text } from './flags.js';

/** `--host` and `--port`. */
export const readAddress = (flags: Flags, lowestPort = 1): Address => {
  const host = text(flags, 'host') ?? DEFAULT_ADDRESS.host;
  if (!/^[\w.:%-]+$/.test(host)) throw usageError('--host needs a host name or an address');
  return { host, port: integer(flags, 'port', lowestPort, 65_535) ?? DEFAULT_ADDRESS.port };
};

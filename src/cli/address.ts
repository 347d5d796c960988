import { type Address, DEFAULT_ADDRESS, isLoopback } from '../address.js';
import { usageError } from './exit.js';
import { type Flags, integer, text } from './flags.js';

/** `--host` and `--port`. */
export const readAddress = (flags: Flags, lowestPort = 1): Address => {
  const host = text(flags, 'host') ?? DEFAULT_ADDRESS.host;
  if (!/^[\w.:%-]+$/.test(host)) throw usageError('--host needs a host name or an address');
  return { host, port: integer(flags, 'port', lowestPort, 65_535) ?? DEFAULT_ADDRESS.port };
};

/** Refuses an address outside this machine unless `--plain` says that the way there may be read. */
export const needPlain = ({ host }: Address, flags: Flags): void => {
  if (isLoopback(host) || flags['plain'] === true) return;
  throw usageError(
    `${host} is outside this machine, and rxchat has no TLS yet`,
    'messages are encrypted all the same; --plain lets nicks, room names and sizes be seen on the way',
  );
};

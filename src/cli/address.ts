import { type Address, DEFAULT_ADDRESS, isLoopback, normalHost } from '../address.js';
import { usageError } from './exit.js';
import { flagName, type Flags, integer, text } from './flags.js';

/** `--host` and `--port`. */
export const readAddress = (flags: Flags, lowestPort = 1): Address => ({
  host: readHost(flags, 'host') ?? DEFAULT_ADDRESS.host,
  port: integer(flags, 'port', lowestPort, 65_535) ?? DEFAULT_ADDRESS.port,
});

/** The longest name of the DNS without a dot at its end, and the longest part of it (RFC 1035, 2.3.4). */
const NAME_LIMIT = 253;
const LABEL_TOO_LONG = /[^.]{64}/;

/** What no name of a host has; a URL gives some of it a meaning. */
const NOT_IN_NAME = /[\s/\\?#@<>^|[\]{}"'`,;!*()=&$+~]|^\.|\.\./;

/**
 * A flag that names a host, in the one spelling that invites have: without brackets, international names in ASCII. Not
 * given: `undefined`. Throws a `usageError` that gives the reason.
 */
export const readHost = (flags: Flags, key: 'host' | 'webHost'): string | undefined => {
  const given = text(flags, key)?.trim();
  if (given === undefined) return undefined;
  const flag = flagName(key);
  const refuse = (why: string, hint?: string): never => {
    throw usageError(`${flag} needs a host name or an address${why}`, hint);
  };
  if (/^\w+:\/\//.test(given))
    refuse(', and this is a URL', `give its host alone, such as ${flag} example.org`);
  const [, host = given, port] = /^(\[.*\]|[^:]*):(\d*)$/.exec(given) ?? [];
  if (port !== undefined)
    refuse(
      ' without a port',
      `give the port with ${flag.replace('host', 'port')}${port === '' ? '' : ` ${port}`}`,
    );
  const name = host.replace(/^\[(.*:.*)\]$/s, '$1');
  if (name.includes('%'))
    refuse(
      ' without %',
      name.includes(':')
        ? 'a zone means something on this machine alone: an invite cannot name it'
        : undefined,
    );
  const normal = NOT_IN_NAME.test(name) ? undefined : normalHost(name);
  if (normal === undefined || (!normal.includes(':') && host !== name)) return refuse('');
  if (normal.replace(/\.$/, '').length > NAME_LIMIT || LABEL_TOO_LONG.test(normal))
    refuse('', `a name has at most ${NAME_LIMIT} characters, and 63 from one dot to the next`);
  // An address in another notation, such as 127.1 or 12345, which a name may be taken for.
  if (/^[\d.]+$/.test(normal) && normal !== name)
    refuse('', `if you mean the address ${normal}, write it so`);
  return normal;
};

/** Whether TLS is spoken with an address: unless something else is said, wherever it leaves this machine. */
export const isSecured = (host: string, { tls, plain }: Flags): boolean => {
  if (tls === true && plain === true) throw usageError('--tls and --plain exclude each other');
  return plain !== true && (tls === true || !isLoopback(host));
};

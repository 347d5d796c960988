import { type Address, DEFAULT_ADDRESS, isLoopback, normalizeHost } from '../../util/address.js';
import { usageError } from '../process/exit.js';
import { flagName, type Flags, integerFlag, stringFlag, stringListFlag } from '../args/flags.js';

/** Returns the address that `--host` and `--port` give, with defaults for both. */
export const addressFromFlags = (flags: Flags, lowestPort = 1): Address => ({
  host: hostFromFlags(flags, 'host') ?? DEFAULT_ADDRESS.host,
  port: integerFlag(flags, 'port', lowestPort, 65_535) ?? DEFAULT_ADDRESS.port,
});

/** Maximum length of a DNS name and of its labels (RFC 1035, 2.3.4). The length excludes the final dot. */
const MAX_NAME_LENGTH = 253;
const TOO_LONG_LABEL = /[^.]{64}/;

/** Characters that no host name contains. Some of them have a meaning in a URL. */
const INVALID_IN_NAME = /[\s/\\?#@<>^|[\]{}"'`,;!*()=&$+~]|^\.|\.\./;

/**
 * Returns the normalized host of a flag, or `undefined` if it is not given. The normal form is that of
 * invites: no brackets, international names in ASCII. Throws a `usageError` that gives the reason.
 */
export const hostFromFlags = (flags: Flags, key: 'host' | 'webHost'): string | undefined => {
  const given = stringFlag(flags, key)?.trim();
  return given === undefined ? undefined : parseHost(given, flagName(key));
};

/**
 * Returns the address that a flag gives as `PORT` or `HOST:PORT`, or `undefined` if it is not given. Without a host it
 * is this machine only.
 */
export const listenAddressFromFlags = (flags: Flags, key: string): Address | undefined => {
  const given = stringFlag(flags, key)?.trim();
  if (given === undefined) return undefined;
  const [, host = DEFAULT_ADDRESS.host, digits = ''] = /^(?:(.+):)?(\d{1,5})$/.exec(given) ?? [];
  const port = Number(digits);
  if (digits === '' || port > 65_535)
    throw usageError(
      `${flagName(key)} needs a port from 0 to 65535, or a host and a port`,
      `such as 9464, 192.0.2.1:9464 or [2001:db8::1]:9464`,
    );
  return { host: parseHost(host, flagName(key)), port };
};

/** Returns the addresses of `--relay`, which is `HOST` or `HOST:PORT`, or `undefined` if it is not given. */
export const otherRelaysFromFlags = (flags: Flags): readonly Address[] | undefined =>
  stringListFlag(flags, 'relay')?.map((given) => {
    const [, host = '', digits] = /^(\[.+\]|[^:]+)(?::(\d{1,5}))?$/.exec(given.trim()) ?? [];
    const port = digits === undefined ? DEFAULT_ADDRESS.port : Number(digits);
    if (host === '' || port < 1 || port > 65_535)
      throw usageError(
        '--relay needs a host, or a host and a port',
        'such as chat2.example.org, 192.0.2.2:55555 or [2001:db8::2]:55555',
      );
    return { host: parseHost(host, '--relay'), port };
  });

/** Parses the host that is given with a flag. */
const parseHost = (given: string, flag: string): string => {
  const reject = (reason: string, hint?: string): never => {
    throw usageError(`${flag} needs a host name or an address${reason}`, hint);
  };
  if (/^\w+:\/\//.test(given)) reject(', not a URL', `give only the host, such as ${flag} example.org`);
  const [, host = given, port] = /^(\[.*\]|[^:]*):(\d*)$/.exec(given) ?? [];
  if (port !== undefined)
    reject(
      ' without a port',
      `give the port with ${flag.replace('host', 'port')}${port === '' ? '' : ` ${port}`}`,
    );
  const name = host.replace(/^\[(.*:.*)\]$/s, '$1');
  if (name.includes('%'))
    reject(
      ' without %',
      name.includes(':') ? 'a zone is valid only on this machine, so an invite cannot contain it' : undefined,
    );
  const normalized = INVALID_IN_NAME.test(name) ? undefined : normalizeHost(name);
  if (normalized === undefined || (!normalized.includes(':') && host !== name)) return reject('');
  if (normalized.replace(/\.$/, '').length > MAX_NAME_LENGTH || TOO_LONG_LABEL.test(normalized))
    reject('', `a name has at most ${MAX_NAME_LENGTH} characters, and 63 between two dots`);
  // The user may have meant a name by an address in another notation, such as 127.1 or 12345.
  if (/^[\d.]+$/.test(normalized) && normalized !== name)
    reject('', `if you mean the address ${normalized}, write it that way`);
  return normalized;
};

/**
 * Whether to use TLS with a host. `--tls` or `--plain` decides; otherwise TLS is used for every address but
 * loopback.
 */
export const usesTls = (host: string, { tls, plain }: Flags): boolean => {
  if (tls === true && plain === true) throw usageError('--tls and --plain exclude each other');
  return plain !== true && (tls === true || !isLoopback(host));
};

import type { ListenAddress } from '../../../net/listener.js';
import { flagName, type Flags } from '../../args/flags.js';
import { usageError } from '../../process/exit.js';
import { parseSystemdSockets, type SocketName } from '../../process/systemdSockets.js';
import { addressFromFlags, hostFromFlags, listenAddressFromFlags } from '../../shared/addressFlags.js';
import { webFromFlags, type WebOptions } from './endpoints.js';

/** Where a relay listens. */
export interface ListenAddresses {
  readonly address: ListenAddress;
  readonly web: WebOptions | undefined;
  readonly metricsAddress: ListenAddress | undefined;
}

/**
 * The host of a socket that is passed, unless `--host` names it. The process learns its address only after it has decided
 * about TLS, so it assumes that other machines can connect.
 */
const PASSED_HOST = '::';

/** Returns where a relay listens: on the sockets that systemd passes, and on the addresses of flags without a socket. */
export const listenAddressesFromFlags = (
  flags: Flags,
  env: NodeJS.ProcessEnv = process.env,
): ListenAddresses => {
  const sockets = parseSystemdSockets(env, process.pid);
  const rejectFlag = (name: SocketName, key: string) => {
    if (sockets[name] !== undefined && flags[key] !== undefined)
      throw usageError(`systemd passes the socket ${name}, so ${flagName(key)} has no effect: remove it`);
  };
  rejectFlag('chat', 'port');
  rejectFlag('web', 'webPort');
  rejectFlag('metrics', 'metrics');
  const given = addressFromFlags(flags, 0);
  const address =
    sockets.chat === undefined
      ? given
      : { host: hostFromFlags(flags, 'host') ?? PASSED_HOST, port: 0, fd: sockets.chat };
  const web = webFromFlags(flags, address);
  if (sockets.web !== undefined && web === undefined)
    throw usageError('systemd passes the socket web, which needs --web');
  return {
    address,
    web: web && { ...web, address: { ...web.address, fd: sockets.web } },
    metricsAddress:
      sockets.metrics === undefined
        ? listenAddressFromFlags(flags, 'metrics')
        : { host: PASSED_HOST, port: 0, fd: sockets.metrics },
  };
};

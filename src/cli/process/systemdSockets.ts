import { usageError } from './exit.js';

/** The variables with which systemd passes sockets to a service. */
export interface SystemdSocketVariables {
  readonly LISTEN_PID?: string | undefined;
  readonly LISTEN_FDS?: string | undefined;
  readonly LISTEN_FDNAMES?: string | undefined;
}

/** What a relay listens for on a socket that systemd passes: the `FileDescriptorName` of its unit. */
export const SOCKET_NAMES = ['chat', 'web', 'metrics'] as const;
export type SocketName = (typeof SOCKET_NAMES)[number];

/** Descriptors of sockets by their name. */
export type SystemdSockets = Readonly<Partial<Record<SocketName, number>>>;

/** The descriptor of the first socket (`SD_LISTEN_FDS_START`). */
const FIRST_DESCRIPTOR = 3;

const isSocketName = (name: string): name is SocketName => (SOCKET_NAMES as readonly string[]).includes(name);

/**
 * Returns the sockets that systemd passes to this process, or none if it passes them to another process. A single socket
 * is `chat` if its unit does not name it. Throws a `usageError` if the variables are invalid.
 *
 * @see sd_listen_fds(3) of systemd
 */
export const parseSystemdSockets = (
  { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = '' }: SystemdSocketVariables,
  pid: number,
): SystemdSockets => {
  if (LISTEN_FDS === undefined || LISTEN_PID !== String(pid)) return {};
  const count = /^\d{1,4}$/.test(LISTEN_FDS) ? Number(LISTEN_FDS) : undefined;
  if (count === undefined) throw usageError('LISTEN_FDS is not a number of sockets');
  const given = LISTEN_FDNAMES === '' ? [] : LISTEN_FDNAMES.split(':');
  if (given.length > 0 && given.length !== count)
    throw usageError(`LISTEN_FDS passes ${count} sockets, and LISTEN_FDNAMES has ${given.length} names`);
  const sockets: Partial<Record<SocketName, number>> = {};
  for (let index = 0; index < count; index += 1) {
    const name = given[index] ?? 'unknown';
    // systemd names a socket after its unit if the unit has no FileDescriptorName.
    const known = count === 1 && /^unknown$|\.socket$/.test(name) ? 'chat' : name;
    if (!isSocketName(known))
      throw usageError(
        `systemd passes a socket with the name ${name}`,
        `set FileDescriptorName= of its unit to ${SOCKET_NAMES.join(', ').replace(/, (?=\w+$)/, ' or ')}`,
      );
    if (sockets[known] !== undefined)
      throw usageError(
        `systemd passes two sockets with the name ${known}`,
        'write one ListenStream= for each FileDescriptorName=',
      );
    sockets[known] = FIRST_DESCRIPTOR + index;
  }
  return sockets;
};

import type { Observable } from 'rxjs';
import type { Connection } from '../../../streams/wire/index.js';
import { type Address, formatAddress, isLoopback, isPin, PIN_LENGTH } from '../../util/address.js';
import type { Invite } from '../../invite/invite.js';
import { openKnownRelays, trustPin, trustRelayOnFirstUse } from '../../net/tls/trust.js';
import { connectTcp } from '../../net/tcp.js';
import { connectTls } from '../../net/tls/tls.js';
import { connectNodeWebSocket } from '../../net/websocket/nodeWebSocket.js';
import { addressFromFlags, otherRelaysFromFlags, usesTls } from './addressFlags.js';
import { printNote, usageError } from '../process/exit.js';
import { type Flags, stringFlag } from '../args/flags.js';
import { dataDir } from '../process/environment.js';

/** Maximum number of `--relay`. An invite has to fit a line and a QR code. */
const MAX_OTHER_RELAYS = 7;

/**
 * Returns the pin of `--pin`, or `undefined` if it is not given. Throws a `usageError` if it is malformed.
 */
export const pinFromFlags = (flags: Flags): string | undefined => {
  const pin = stringFlag(flags, 'pin');
  if (pin !== undefined && !isPin(pin))
    throw usageError(`--pin needs ${PIN_LENGTH} characters of base64url, as printed by serve`);
  return pin;
};

/** Returns the relays that `--host`, `--port`, `--relay` and `--pin` give. Throws a `usageError` if they are malformed. */
export const relayFromFlags = (flags: Flags): Omit<Invite, 'secret'> => {
  const address = addressFromFlags(flags);
  const otherRelays = otherRelaysFromFlags(flags);
  const all = [address, ...(otherRelays ?? [])].map(formatAddress);
  const repeated = all.find((relay, index) => all.indexOf(relay) !== index);
  if (repeated !== undefined) throw usageError(`${repeated} is given twice`, 'drop one --relay');
  if (all.length > MAX_OTHER_RELAYS + 1) throw usageError(`--relay can be given ${MAX_OTHER_RELAYS} times`);
  return { ...address, ...(otherRelays && { otherRelays }), pin: pinFromFlags(flags) };
};

/**
 * Returns the function that connects to the relay of an invite. Throws a `usageError` if the flags contradict
 * the invite.
 */
export const connectFromFlags = (
  invite: Invite,
  flags: Flags,
): ((invite: Invite) => Observable<Connection>) => {
  const { pin, web } = invite;
  if (web !== undefined) checkLinkFlags(invite, flags);
  const isSecure = ({ host }: Address) => usesTls(host, flags);
  const isAnySecure = [invite, ...(invite.otherRelays ?? [])].some(isSecure);
  if (pin !== undefined && flags['plain'] === true)
    throw usageError('the invite has the pin of a relay with TLS', 'drop --plain');
  const connect = web === undefined ? connectTls : connectNodeWebSocket;
  if (pin !== undefined) return (to) => connect(to, trustPin(pin, to));
  if (web === 'http') return (to) => connectNodeWebSocket(to, () => undefined);
  if (web === undefined && !isAnySecure) return (to) => connectTcp(to);
  const known = openKnownRelays(dataDir(), ({ message }) => {
    printNote(`${message}; the relay is remembered until this command ends`);
  });
  const acceptKey = flags['acceptKey'] === true;
  return (to) =>
    web === undefined && !isSecure(to)
      ? connectTcp(to)
      : connect(to, trustRelayOnFirstUse(to, { known, acceptChangedKey: acceptKey, notify: printNote }));
};

/** Throws a `usageError` if a flag contradicts the scheme of a link. */
const checkLinkFlags = ({ web, host }: Invite, { plain, tls }: Flags): void => {
  if (web === 'https' && plain === true) throw usageError('the link uses TLS', 'drop --plain');
  if (web === 'http' && tls === true) throw usageError('the link does not use TLS', 'drop --tls');
  if (web === 'http' && plain !== true && !isLoopback(host))
    throw usageError(
      'the link does not use TLS',
      'with --plain, nicks, room names and sizes cross the network unencrypted',
    );
};

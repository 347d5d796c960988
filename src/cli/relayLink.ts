import type { Observable } from 'rxjs';
import type { Connection } from '../../streams/wire/index.js';
import { isLoopback } from '../address.js';
import type { Invite } from '../invite/invite.js';
import { isPin, PIN_CHARACTERS } from '../invite/pin.js';
import { knownRelays } from '../tls/knownRelays.js';
import { byPin, onFirstUse } from '../tls/trust.js';
import { connectTcp } from '../transport/tcp.js';
import { connectTls } from '../transport/tls.js';
import { connectWeb } from '../transport/webSocketTo.js';
import { isSecured } from './address.js';
import { note, usageError } from './exit.js';
import { type Flags, text } from './flags.js';
import { dataDir } from './stateDir.js';

/** `--pin`. */
export const readPin = (flags: Flags): string | undefined => {
  const pin = text(flags, 'pin');
  if (pin !== undefined && !isPin(pin))
    throw usageError(`--pin needs ${PIN_CHARACTERS} characters of base64url, as serve shows them`);
  return pin;
};

/** How a command gets to the relay of an invite; throws a `usageError` where its flags contradict the invite. */
export const readLink = (invite: Invite, flags: Flags): ((invite: Invite) => Observable<Connection>) => {
  const { pin, web } = invite;
  if (web !== undefined) checkWeb(invite, flags);
  const secured = isSecured(invite.host, flags);
  if (pin !== undefined && flags['plain'] === true)
    throw usageError('the invite has the pin of a relay with TLS', 'leave --plain away');
  const connect = web === undefined ? connectTls : connectWeb;
  if (pin !== undefined) return (to) => connect(to, byPin(pin, to));
  if (web === 'http') return (to) => connectWeb(to, () => undefined);
  if (web === undefined && !secured) return (to) => connectTcp(to);
  const known = knownRelays(dataDir(), ({ message }) => {
    note(`${message}; the relay is known until this command ends`);
  });
  const acceptKey = flags['acceptKey'] === true;
  return (to) => connect(to, onFirstUse(to, { known, acceptKey, tell: note }));
};

/** A link says itself whether there is TLS. */
const checkWeb = ({ web, host }: Invite, { plain, tls }: Flags): void => {
  if (web === 'https' && plain === true)
    throw usageError('the link is of a page with TLS', 'leave --plain away');
  if (web === 'http' && tls === true)
    throw usageError('the link is of a page without TLS', 'leave --tls away');
  if (web === 'http' && plain !== true && !isLoopback(host))
    throw usageError(
      'the link is of a page without TLS',
      'with --plain nicks, room names and sizes cross the network in the clear',
    );
};

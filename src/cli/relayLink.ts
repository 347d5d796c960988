import type { Observable } from 'rxjs';
import type { Connection } from '../../streams/wire/index.js';
import type { Invite } from '../invite/invite.js';
import { isPin, PIN_CHARACTERS } from '../invite/pin.js';
import { knownRelays } from '../tls/knownRelays.js';
import { byPin, onFirstUse } from '../tls/trust.js';
import { connectTcp } from '../transport/tcp.js';
import { connectTls } from '../transport/tls.js';
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
  const { pin } = invite;
  const secured = isSecured(invite.host, flags);
  if (pin !== undefined && flags['plain'] === true)
    throw usageError('the invite has the pin of a relay with TLS', 'leave --plain away');
  if (pin !== undefined) return (to) => connectTls(to, byPin(pin, to));
  if (!secured) return (to) => connectTcp(to);
  const known = knownRelays(dataDir());
  const acceptKey = flags['acceptKey'] === true;
  return (to) => connectTls(to, onFirstUse(to, { known, acceptKey, tell: note }));
};

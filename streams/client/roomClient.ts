import { map, NEVER, type OperatorFunction, pipe } from 'rxjs';
import { client, type ClientOptions } from './client.js';
import type { ConnectionEvent } from './connectionEvent.js';
import type { ClientEvent } from './clientEvent.js';
import type { Credentials } from './join.js';
import type { MembershipInput } from './membership.js';
import { open, type OpenOptions } from './receive/open.js';
import { toQueued } from './send/outbox.js';
import { type OutgoingMessage, seal, type SealOptions } from './send/seal.js';

export type { RetryOptions } from './client.js';

export interface RoomClientOptions
  extends
    ClientOptions,
    OpenOptions,
    Omit<SealOptions, 'getAttestation'>,
    Pick<Credentials, 'room' | 'sign' | 'owner'> {}

/**
 * Connects messages to a room: the whole client side of it.
 *
 * Joins once a key is available, and subscribes to the messages after the first `welcome`. Each message becomes a token,
 * and the echo of the token is the receipt (`stored`). A message that is too long is a `send-failed`. There is no
 * backpressure: pace the messages by `queued` and `stored`. When the messages complete, `input-complete` is emitted and
 * reading goes on.
 *
 * Misbehaviour of the relay or of a member is an `alarm` before the message that shows it. Changes of keys are
 * `first-seen` and `key-changed`. A nick of `nick$` leads to `renamed` or `rename-rejected`, over a new connection.
 *
 * With `retry`, the client reconnects after `offline`, reads what it missed and resends what is not stored. It then only
 * ends with an error: `RefusedError` from the relay, `ConnectionError` or `ProtocolError` if the first connection fails,
 * and errors of `seal` and `keyring$`. Without `retry`, it completes after `BYE` and errors with the connection.
 * Any end, also unsubscribing, sends `BYE` and closes the connection.
 *
 * ```text
 * message   ----------hello-----------------------world----------------------
 *             roomClient(options)
 * event     --welcome-queued-(message,stored)-----queued-offline-welcome-(message,stored)
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { roomClient, type RoomClientOptions } from 'rxchat/streams';
 *
 * const hello = (options: RoomClientOptions) => of({ lines: ['hello'] }).pipe(roomClient(options));
 */
export const roomClient = (options: RoomClientOptions): OperatorFunction<OutgoingMessage, ClientEvent> => {
  const { room, sign, owner } = options;
  const openTokens = pipe(
    open<ConnectionEvent>(options),
    map((event) => (event.type === 'opened' ? { ...event, contentId: event.envelope.signature } : event)),
  );

  return client<MembershipInput>(options, ({ member, getAttestation }) => {
    let isWelcome = false;
    return {
      credentials: () => ({ room, sign, owner }),
      open: openTokens,
      seal: pipe(
        seal({ ...options, getAttestation }),
        map((sealed) => toQueued(sealed)),
      ),
      handle: (event) => {
        isWelcome ||= event.type === 'welcome';
        return member.handle(event);
      },
      canSeal: () => isWelcome,
      moved$: NEVER,
      output$: NEVER,
    };
  });
};

import { defer, type OperatorFunction, takeWhile } from 'rxjs';
import { concatMapIterable } from '../../rx/concatMapIterable.js';
import { decodeLine, toBase64url } from '../../wire/encoding.js';
import type { Connection } from '../../wire/connection.js';
import { parseControl } from '../../wire/control.js';
import { isTokenBatch } from '../../wire/entry.js';
import { ProtocolError } from '../../wire/errors.js';
import {
  accessMessage,
  type Hello,
  ownerMessage,
  parseHello,
  proofMessage,
  type Verify,
} from '../../wire/handshake.js';
import { eachLine, type Lines } from '../../wire/lines.js';
import type { JoinPolicy } from './joinPolicy.js';
import type { ReadControl } from './rateLimit.js';

/**
 * A client whose proof is valid: a nick in a room, over a connection.
 *
 * Members are compared by identity: a client that joins again is another member.
 */
export interface Member extends Pick<Hello, 'nick' | 'room' | 'session'> {
  readonly after: Hello['after'] | undefined;
  readonly last: Hello['last'] | undefined;
  /** The owner key that it has proved, by which several connections can share its nick. */
  readonly owner?: string | undefined;
  readonly connection: Connection;
  /** Pauses reading from it; shared with other users. */
  readonly readControl: ReadControl;
}

/**
 * A command of a member.
 *
 * Each member has one `join`, then any number of `tokens`, `ping` and `idle`, then one `leave`, unless the relay
 * stops first. `idle` means that nothing was received for one heartbeat. The lines of `tokens` are valid only during
 * their emission.
 */
export type MemberCommand =
  | { readonly type: 'join'; readonly member: Member }
  | { readonly type: 'tokens'; readonly member: Member; readonly lines: Lines }
  | { readonly type: 'ping' | 'idle'; readonly member: Member }
  | {
      readonly type: 'leave';
      readonly member: Member;
      readonly reason: string;
      /** Sent to the member as `ERR`, after everything that is due before. */
      readonly error?: Pick<ProtocolError, 'code' | 'message'>;
    };

export interface ParseCommandsOptions {
  readonly connection: Connection;
  /** Pauses reading, if others share that; the connection itself by default. */
  readonly readControl?: ReadControl;
  /** The nonce of the greeting, base64url. */
  readonly nonce: string;
  readonly verify: Verify;
  /** Throws to reject a join before its proof is verified. */
  readonly joinPolicy?: JoinPolicy | undefined;
}

/**
 * Parses the lines of one connection into the commands of its member.
 *
 * The first line must be the answer to `NICK` with a valid proof. Tokens and controls follow; tokens stay in the
 * batch that they arrived in. Completes with its source or at `BYE`. Errors with its source, or with a
 * `ProtocolError` at an invalid line, after the commands before it in the same batch.
 *
 * ```text
 * lines     --"NICK alice room=… proof=…"--"gAAAA…","gAAAA…"--"PING 7"--"BYE"
 *             parseCommands({ connection, nonce, verify })
 * command   --join-------------------------tokens-------------ping------(leave|)
 * ```
 *
 * @example
 * import { lines } from 'rxchat/streams';
 * import { parseCommands, type ParseCommandsOptions } from './parseCommands.js';
 *
 * const commands = (options: ParseCommandsOptions) =>
 *   options.connection.chunk$.pipe(lines(), parseCommands(options));
 */
export const parseCommands =
  (options: ParseCommandsOptions): OperatorFunction<Lines, MemberCommand> =>
  (line$) =>
    defer(() => {
      let member: Member | undefined;
      const join = (line: Uint8Array): Member => (member = parseJoin(line, options));
      return line$.pipe(
        concatMapIterable((batch) => commandsOf(batch, member, join)),
        takeWhile((command) => command.type !== 'leave', true),
      );
    });

/** Parses and verifies an answer to `NICK`; throws a `ProtocolError` if the join is rejected. */
export const parseJoin = (
  line: Uint8Array,
  { connection, readControl = connection, nonce, verify, joinPolicy }: ParseCommandsOptions,
): Member => {
  const text = decodeLine(line);
  if (text === undefined) throw new ProtocolError('bad-line', 'the answer to NICK is not UTF-8');
  const { nick, room, session, after, last, proof, access, owner } = parseHello(text);
  const context = { nick, room, session, nonce, binding: toBase64url(connection.channelBinding) };
  const reportProof = joinPolicy?.({ room, access, peer: connection.peer }, accessMessage(context));
  const isProved = verify(room, proofMessage(context), proof);
  const isOwned =
    owner === undefined || (isProved && verify(owner.key, ownerMessage(context), owner.signature));
  reportProof?.(isProved && isOwned);
  if (!isProved) throw new ProtocolError('bad-proof', 'the proof is invalid for this room');
  if (!isOwned) throw new ProtocolError('bad-proof', "the owner's signature of the nick is invalid");
  // No spread: members made by a spread had a hidden class each, which made every access slow.
  return { nick, room, session, after, last, owner: owner?.key, connection, readControl };
};

/**
 * Returns the commands in a batch of lines; `join` makes a member of the first line of a connection.
 *
 * Nothing follows a `leave`. The iteration throws a `ProtocolError` at an invalid line, after the commands before it.
 */
export const commandsOf = (
  batch: Lines,
  member: Member | undefined,
  join: (line: Uint8Array) => Member,
): Iterable<MemberCommand> =>
  member !== undefined && isTokenBatch(batch.bytes)
    ? [{ type: 'tokens', member, lines: batch }]
    : commandsByLine(batch, member, join);

function* commandsByLine(
  batch: Lines,
  joinedMember: Member | undefined,
  join: (line: Uint8Array) => Member,
): Generator<MemberCommand> {
  let member = joinedMember;
  for (const line of eachLine(batch)) {
    if (member === undefined) yield { type: 'join', member: (member = join(line)) };
    else if (isTokenBatch(line)) yield { type: 'tokens', member, lines: { bytes: line, count: 1 } };
    else {
      const control = parseControl(decodeLine(line) ?? '');
      if (control?.type === 'ping') yield { type: 'ping', member };
      else if (control?.type === 'bye') {
        yield { type: 'leave', member, reason: 'bye' };
        return;
      } else if (control?.type !== 'pong')
        throw new ProtocolError('bad-line', 'expected a token, PING, PONG or BYE');
    }
  }
}

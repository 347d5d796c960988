import { defer, type OperatorFunction, takeWhile } from 'rxjs';
import { toBase64url } from '../wire/base64url.js';
import type { Connection } from '../wire/connection.js';
import { readControl } from '../wire/control.js';
import { eachOf } from '../wire/eachOf.js';
import { areTokens } from '../wire/entry.js';
import { ProtocolError } from '../wire/errors.js';
import { accessMessage, type Hello, ownerMessage, proofMessage, readHello } from '../wire/handshake.js';
import { eachLine, type Lines } from '../wire/lines.js';
import type { Verify } from '../wire/signature.js';
import { decodeLine } from '../wire/utf8.js';
import type { Entrance } from './entrance.js';
import type { Flow } from './flow.js';

/** Somebody whose proof held: a nick in a room, over a connection. Known by identity: who joins again is another one. */
export interface Member extends Pick<Hello, 'nick' | 'room' | 'session'> {
  readonly after: Hello['after'] | undefined;
  readonly last: Hello['last'] | undefined;
  /** The key by which it may share its nick, if it has shown that it holds one. */
  readonly owner?: string | undefined;
  readonly connection: Connection;
  /** Its reading, which others may stop too. */
  readonly flow: Flow;
}

/**
 * What a member does. Of each there is first one `join`, then any number of `tokens`, `ping` and `quiet` (nothing came
 * from it for a while), then one `leave`, unless the relay itself ends before. The lines of `tokens` are good only during
 * their own emission.
 */
export type Command =
  | { readonly type: 'join'; readonly member: Member }
  | { readonly type: 'tokens'; readonly member: Member; readonly lines: Lines }
  | { readonly type: 'ping' | 'quiet'; readonly member: Member }
  | {
      readonly type: 'leave';
      readonly member: Member;
      readonly reason: string;
      /** What it is to be told as `ERR`, once it has got what it was due before. */
      readonly fault?: Pick<ProtocolError, 'code' | 'message'>;
    };

export interface CommandsOptions {
  readonly connection: Connection;
  /** Its reading, where others may stop it too. */
  readonly flow?: Flow;
  /** The nonce that was asked for, base64url. */
  readonly nonce: string;
  readonly verify: Verify;
  /** Throws where an answer is refused before its proof is checked. */
  readonly entrance?: Entrance;
}

/**
 * One connection's lines in, what its member does out.
 *
 * The first line has to be the answer to `NICK` with a proof that holds; then come tokens, handed on as they came and
 * a batch at a time, and controls. Completes with its source or at `BYE`. A wrong line is a `ProtocolError`, after the
 * commands that stood before it in the same batch.
 *
 * ```text
 * lines     --"NICK alice room=… proof=…"--"gAAAA…","gAAAA…"--"PING 7"--"BYE"
 *             commands({ connection, nonce, verify })
 * command   --join-------------------------tokens-------------ping------(leave|)
 * ```
 *
 * @example
 * import { commands, type CommandsOptions, lines } from 'rxchat/streams';
 *
 * const spoken = (options: CommandsOptions) => options.connection.chunk$.pipe(lines(), commands(options));
 */
export const commands =
  (options: CommandsOptions): OperatorFunction<Lines, Command> =>
  (line$) =>
    defer(() => {
      let member: Member | undefined;
      const join = (line: Uint8Array): Member => (member = readMember(line, options));
      return line$.pipe(
        eachOf((batch) => eachCommand(batch, member, join)),
        takeWhile((command) => command.type !== 'leave', true),
      );
    });

/** The member that an answer to `NICK` makes; throws a `ProtocolError` where it makes none. */
export const readMember = (
  line: Uint8Array,
  { connection, flow = connection, nonce, verify, entrance }: CommandsOptions,
): Member => {
  const text = decodeLine(line);
  if (text === undefined) throw new ProtocolError('bad-line', 'the answer to NICK is not UTF-8');
  const { nick, room, session, after, last, proof, access, owner } = readHello(text);
  const here = { nick, room, session, nonce, binding: toBase64url(connection.channelBinding) };
  const settle = entrance?.({ room, access, peer: connection.peer }, accessMessage(here));
  const isProved = verify(room, proofMessage(here), proof);
  const isOwned = owner === undefined || (isProved && verify(owner.key, ownerMessage(here), owner.signature));
  settle?.(isProved && isOwned);
  if (!isProved) throw new ProtocolError('bad-proof', 'the proof does not hold for this room');
  if (!isOwned) throw new ProtocolError('bad-proof', 'the signature of the owner does not hold');
  // Each by its name: members that were spread had a hidden class each, and every look at one was slow.
  return { nick, room, session, after, last, owner: owner?.key, connection, flow };
};

/**
 * What a batch of lines says, of a member, or of somebody whom its first line makes one by `join`. Nothing comes after
 * a `leave`. Throws a `ProtocolError` at a wrong line, after the commands before it.
 */
export const eachCommand = (
  batch: Lines,
  member: Member | undefined,
  join: (line: Uint8Array) => Member,
): Iterable<Command> =>
  member !== undefined && areTokens(batch.bytes)
    ? [{ type: 'tokens', member, lines: batch }]
    : lineByLine(batch, member, join);

function* lineByLine(
  batch: Lines,
  known: Member | undefined,
  join: (line: Uint8Array) => Member,
): Generator<Command> {
  let member = known;
  for (const line of eachLine(batch)) {
    if (member === undefined) yield { type: 'join', member: (member = join(line)) };
    else if (areTokens(line)) yield { type: 'tokens', member, lines: { bytes: line, count: 1 } };
    else {
      const control = readControl(decodeLine(line) ?? '');
      if (control?.type === 'ping') yield { type: 'ping', member };
      else if (control?.type === 'bye') {
        yield { type: 'leave', member, reason: 'bye' };
        return;
      } else if (control?.type !== 'pong')
        throw new ProtocolError('bad-line', 'expected a token, PING, PONG or BYE');
    }
  }
}

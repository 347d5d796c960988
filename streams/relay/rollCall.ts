import { defer, mergeMap, type OperatorFunction } from 'rxjs';
import type { ErrorCode } from '../wire/errors.js';
import { LISTED_MEMBERS } from '../wire/handshake.js';
import type { Lines } from '../wire/lines.js';
import { foldNick } from '../wire/nick.js';
import type { Command, Member } from './commands.js';

/** What happened in a room, in order. */
export type Attendance =
  | {
      readonly type: 'joined';
      readonly member: Member;
      /** How many are in the room now, and who; `undefined` where they are too many to list. */
      readonly count: number;
      readonly members: readonly string[] | undefined;
    }
  | { readonly type: 'refused'; readonly member: Member; readonly code: ErrorCode; readonly text: string }
  | { readonly type: 'tokens'; readonly member: Member; readonly lines: Lines }
  | { readonly type: 'pinged'; readonly member: Member }
  | { readonly type: 'left'; readonly member: Member; readonly reason: string };

/**
 * Commands of one room in, what came of them out: who is here.
 *
 * A nick is in a room once (nicks that read the same are the same): a second one is `refused`. What a connection says
 * that was refused, or that has left, is dropped without a word, its `leave` too. Completes and errors with its source.
 *
 * ```text
 * command   join alice--join alice'--tokens alice--leave alice'--leave alice
 *             rollCall()
 * out       joined------refused------tokens----------------------left
 * ```
 *
 * @example
 * import { map, type Observable } from 'rxjs';
 * import { type Command, rollCall } from 'rxchat/streams';
 *
 * const happenings = (command$: Observable<Command>) => command$.pipe(rollCall(), map(({ type }) => type));
 */
export const rollCall = (): OperatorFunction<Command, Attendance> => (command$) =>
  defer(() => {
    const present = new Map<string, Member>();

    const answer = (command: Command): Attendance[] => {
      const { member } = command;
      const nick = foldNick(member.nick);
      const holder = present.get(nick);
      if (command.type === 'join') {
        if (holder !== undefined)
          return [{ type: 'refused', member, code: 'nick-taken', text: 'the nick is taken in this room' }];
        present.set(nick, member);
        const members =
          present.size <= LISTED_MEMBERS ? Array.from(present.values(), (each) => each.nick) : undefined;
        return [{ type: 'joined', member, count: present.size, members }];
      }
      if (holder !== member) return [];
      switch (command.type) {
        case 'tokens':
          return [command];
        case 'ping':
          return [{ type: 'pinged', member }];
        case 'leave':
          present.delete(nick);
          return [{ ...command, type: 'left' }];
      }
    };

    return command$.pipe(mergeMap(answer));
  });

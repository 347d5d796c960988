import type { GroupRequest, OutgoingMessage } from '../../../../../streams/index.js';
import { fitsInMessage, MAX_MESSAGE_BYTES } from '../../../../../streams/client/index.js';
import { safe, type SafeText } from '../../../../text/sanitize.js';
import type { Line } from './line.js';

/** The action that a line of input causes. */
export type ChatAction =
  | { readonly type: 'send'; readonly message: OutgoingMessage }
  | { readonly type: 'show'; readonly lines: readonly Line[] }
  /** Keeps a message that cannot be sent until the user discards it. */
  | { readonly type: 'fail'; readonly text: string; readonly reason: SafeText }
  | { readonly type: 'nick'; readonly nick: string }
  | { readonly type: 'retry' }
  | { readonly type: 'edit'; readonly text: string }
  | { readonly type: 'qr' }
  /** Asks the group for a change. */
  | { readonly type: 'request'; readonly request: GroupRequest; readonly lines: readonly Line[] }
  | { readonly type: 'clear' }
  | { readonly type: 'quit' };

/** The state of the room and the user that slash commands read and change. */
export interface ChatContext {
  readonly who: () => readonly Line[];
  readonly invite: () => readonly Line[];
  readonly verify: (nick: string, answer: string | undefined) => readonly Line[];
  readonly ignore: (nick: string | undefined, answer: string | undefined) => readonly Line[];
  readonly quiet: (answer: string) => readonly Line[];
  readonly history: (count: number) => readonly Line[];
  readonly search: (text: string) => readonly Line[];
  readonly topic: () => readonly Line[];
  readonly discard: () => readonly Line[];
  /** Returns whether the user is away. */
  readonly isAway: () => boolean;
  /** Returns why a nick is unusable, or `undefined` if it is usable. */
  readonly nickProblem: (nick: string) => SafeText | undefined;
  readonly isOnline: () => boolean;
  /** What members of a group room can do, or `undefined` in a key room. */
  readonly group?: GroupChat | undefined;
}

/** What members of a group room can do. */
export interface GroupChat {
  readonly members: () => readonly Line[];
  /** Returns the lines of the room code. */
  readonly code: () => readonly Line[];
  /** Asks before it removes a person; `yes` applies only to the person that was named. */
  readonly remove: (nick: string, answer: string | undefined) => ChatAction;
}

/** A slash command: its name, its help, its completions and its action. */
export interface ChatCommand {
  readonly name: string;
  readonly usage: string;
  readonly help: string;
  /** The completions that the Tab key offers after the command. */
  readonly completions?: 'nick' | 'command' | readonly string[];
  readonly run: (rest: string, context: ChatContext) => ChatAction;
}

/** Returns the action that shows lines to the user. */
export const showAction = (...lines: readonly Line[]): ChatAction => ({ type: 'show', lines });

/** Returns the action that sends a text, or that keeps it as failed if it is too long. */
export const sendAction = (text: string, act?: NonNullable<OutgoingMessage['act']>): ChatAction =>
  fitsInMessage(text)
    ? { type: 'send', message: { lines: [text], ...(act && { act }) } }
    : { type: 'fail', text, reason: safe`not sent, over the limit of ${MAX_MESSAGE_BYTES} bytes` };

/** Splits the text after a command into words. */
export const splitWords = (rest: string): readonly string[] =>
  rest.split(/\s+/).filter((word) => word !== '');

import {
  concat,
  defer,
  filter,
  ignoreElements,
  map,
  of,
  switchMap,
  takeUntil,
  takeWhile,
  tap,
  asyncScheduler,
} from 'rxjs';
import type { ClassicEvent } from '../../../streams/classic/classicClient.js';
import { formatTime } from '../../text/format.js';
import { isInteractive } from '../../terminal/terminalState.js';
import type { Run } from '../args/command.js';
import { Exit } from '../process/exit.js';
import { coalesceWrites } from '../process/output.js';
import { escapeCommand } from '../commands/join/chat/chatInput.js';
import type { Flags } from '../args/flags.js';
import { expandTabs } from '../../text/cells.js';
import { terminalScreen } from '../../terminal/screen.js';
import {
  safe,
  type SafeText,
  sanitizeLines,
  sanitizeMessage,
  sanitizeNick,
  concatText,
} from '../../text/sanitize.js';
import { writeOut } from '../../terminal/write.js';
import {
  pipedTextSource,
  inputOptionsFromFlags,
  type TextSource,
  clientFromFlags,
  serverClosedError,
} from './clientFromFlags.js';
import { interrupted$, outputClosed$, standardInput } from '../process/stdio.js';

/** The input and output of `join`: a terminal or pipes. */
interface JoinTerminal extends TextSource {
  readonly print: (text: SafeText) => void;
}

const HELP = sanitizeLines(`\
-- press Enter to send; the server does not confirm that a message arrived
-- /quit leave (Ctrl-D, Ctrl-C twice)   //x sends /x`);

/** Returns the text to send, or `undefined`. A `/word` is never sent: it may be a mistyped secret. */
const parseInput = (line: string): string | undefined => {
  if (line.trim() === '' || (line.startsWith('/') && !line.startsWith('//'))) return undefined;
  return line.startsWith('//') ? line.slice(1) : line;
};

/** Returns what to print after a line that is not sent, if anything. */
const replyTo = (line: string): SafeText | undefined => {
  if (parseInput(line) !== undefined || line.trim() === '') return undefined;
  return line.trim() === '/help'
    ? HELP
    : safe`-- unknown command, nothing was sent; /help lists the commands`;
};

const interactiveTerminal = (nick: string): JoinTerminal => {
  let print = writeOut;
  return {
    print: (text) => {
      print(text);
    },
    // Nobody types faster than the connection writes.
    onWritten: () => undefined,
    failure: undefined,
    text$: terminalScreen({ footer: { above: [], prompt: safe`${nick}> ` }, escapeCommand }).pipe(
      tap((screen) => {
        print = (text) => {
          screen.print(expandTabs(text));
        };
      }),
      switchMap(({ line$ }) => line$),
      takeWhile((line) => line.trim() !== '/quit'),
      tap((line) => {
        const reply = replyTo(line);
        if (reply !== undefined) print(reply);
      }),
      map(parseInput),
      filter((text) => text !== undefined),
    ),
  };
};

const pipedTerminal = (flags: Flags): JoinTerminal => {
  const source = pipedTextSource(standardInput(), inputOptionsFromFlags(flags));
  return {
    print: writeOut,
    text$: source.text$,
    onWritten: source.onWritten,
    get failure() {
      return source.failure;
    },
  };
};

/** Runs `rxchat join --wire classic`: an interactive chat, or plain text in pipes. */
export const join: Run = ({ flags }) =>
  defer(() => {
    const { connect, nick } = clientFromFlags(flags, { unique: false });
    const terminal = isInteractive() ? interactiveTerminal(nick) : pipedTerminal(flags);
    let isOver = false;

    const event$ = terminal.text$.pipe(
      connect,
      tap((event) => {
        if (event.type === 'message' && event.own) terminal.onWritten(event.text);
      }),
      takeWhile(({ type }) => {
        isOver = type === 'input-complete';
        return !isOver;
      }),
    );

    return concat(
      event$.pipe(
        map((event) => formatChat(event, nick)),
        filter((line) => line !== undefined),
        coalesceWrites(),
        tap((text) => {
          terminal.print(text);
        }),
        ignoreElements(),
        takeUntil(outputClosed$.pipe(tap(() => (isOver = true)))),
        takeUntil(interrupted$),
      ),
      defer(() => {
        if (terminal.failure !== undefined) throw terminal.failure;
        if (!isOver) throw serverClosedError();
        return of(Exit.ok);
      }),
    );
  });

/** Formats an event for a chat, or returns `undefined` if it is not shown. */
export const formatChat = (event: ClassicEvent, nick: string): SafeText | undefined => {
  switch (event.type) {
    case 'connected':
      return safe`-- you are in`;
    case 'message':
      return concatText(
        safe`${formatTime(asyncScheduler.now())} ${sanitizeNick(event.nick)}: `,
        sanitizeMessage(event.text),
      );
    case 'joined':
      return event.nick === nick ? undefined : safe`--> ${sanitizeNick(event.nick)} joined`;
    case 'left':
      return event.nick === nick ? undefined : safe`<-- ${sanitizeNick(event.nick)} left`;
    case 'undecryptable':
      return safe`-- a message cannot be decrypted: ${event.reason}`;
    case 'other':
      return safe`-- the server says: ${event.text}`;
    default:
      return undefined;
  }
};

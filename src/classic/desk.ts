import { filter, map, switchMap, takeWhile, tap } from 'rxjs';
import { literal } from '../cli/chat/commands.js';
import type { Flags } from '../cli/flags.js';
import { standardInput } from '../cli/process.js';
import { expandTabs } from '../terminal/cells.js';
import { terminalScreen } from '../terminal/screen.js';
import { shown, type Visible, visibleLines } from '../terminal/visible.js';
import { writeOut } from '../terminal/write.js';
import { pipedTexts, readInputOptions, type Source } from './source.js';

/** Where texts come from and where the chat is shown: a terminal, or plain pipes. */
export interface Desk extends Source {
  readonly print: (text: Visible) => void;
}

const HELP = visibleLines(`\
-- what you type is said when you press Enter; nothing tells whether it arrived
-- /quit leave (Ctrl-D, Ctrl-C twice)   //x says /x`);

/** What an entered line says, if anything; a `/word` is never said: it may be a typo, and secret. */
const textOf = (line: string): string | undefined => {
  if (line.trim() === '' || (line.startsWith('/') && !line.startsWith('//'))) return undefined;
  return line.startsWith('//') ? line.slice(1) : line;
};

const answerTo = (line: string): Visible | undefined => {
  if (textOf(line) !== undefined || line.trim() === '') return undefined;
  return line.trim() === '/help'
    ? HELP
    : shown`-- unknown command, nothing was sent; /help lists the commands`;
};

export const terminalDesk = (nick: string): Desk => {
  let print = writeOut;
  return {
    print: (text) => {
      print(text);
    },
    // A person is slow enough.
    wrote: () => undefined,
    failure: undefined,
    say$: terminalScreen({ foot: { above: [], prompt: shown`${nick}> ` }, literal }).pipe(
      tap((screen) => {
        print = (text) => {
          screen.print(expandTabs(text));
        };
      }),
      switchMap(({ line$ }) => line$),
      takeWhile((line) => line.trim() !== '/quit'),
      tap((line) => {
        const answer = answerTo(line);
        if (answer !== undefined) print(answer);
      }),
      map(textOf),
      filter((text) => text !== undefined),
    ),
  };
};

export const pipedDesk = (flags: Flags): Desk => {
  const source = pipedTexts(standardInput(), readInputOptions(flags));
  return {
    print: writeOut,
    say$: source.say$,
    wrote: source.wrote,
    get failure() {
      return source.failure;
    },
  };
};

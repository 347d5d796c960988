import { clearScreenDown, createInterface, cursorTo, moveCursor } from 'node:readline';
import { fromEvent, map, Observable, startWith, takeUntil } from 'rxjs';
import { stacked, type Visible } from './visible.js';

/** What stands under the conversation, and is drawn anew when it changes. */
export interface Foot {
  /** Lines that are not in the scrollback yet: pending and failed ones, the state of the connection. */
  readonly above: readonly Visible[];
  /** What stands before the draft, in its first row. */
  readonly prompt: Visible;
}

/** A place where one person reads and writes. */
export interface Screen {
  /** What is entered, each as a whole; it may hold `\n`. */
  readonly line$: Observable<string>;
  /** How many columns there are, and how many after each resize. */
  readonly columns$: Observable<number>;
  /** Shows lines above the foot and the draft, which stay as they are; from then on they are the terminal's own. */
  readonly print: (text: Visible) => void;
  /** What is printed and set in one turn of the event loop is drawn at once. */
  readonly setFoot: (foot: Foot) => void;
  /** Opens the editor of the person (`$VISUAL`, `$EDITOR`) on a text, which is the draft when it is closed. */
  readonly edit: (text: string) => void;
}

/** What was entered before, and where to keep what is. */
export interface Kept {
  /** From the oldest to the newest. */
  readonly entries: readonly string[];
  readonly keep: (entry: string) => void;
}

export interface ScreenOptions {
  readonly foot: Foot;
  /** What the Tab key makes of the word before the cursor, the likeliest first; each stands in its place as it is. */
  readonly complete?: (word: string, before: string) => readonly string[];
  readonly history?: Kept;
  /** Of lines that were pasted: how each is entered so that nothing but saying it can be meant. */
  readonly literal?: (line: string) => string;
}

/** How many columns there are where a terminal does not say. */
const COLUMNS = 80;

/**
 * The input line of a terminal. Emits the screen once; completes when the person wants to go (Ctrl-D, Ctrl-C); gives
 * the terminal back when it is unsubscribed.
 */
export const terminalScreen = (options: ScreenOptions): Observable<Screen> =>
  new Observable((subscriber) => {
    const { stdin, stdout } = process;
    const promptOf = ({ above, prompt }: Foot): Visible => stacked([...above, prompt]);
    const rl = createInterface({
      input: stdin,
      output: stdout,
      terminal: true,
      prompt: promptOf(options.foot),
      historySize: 500,
    });
    // Node 20 mixes up characters that arrive together while the cursor is not at the end (nodejs/node#60446).
    Object.defineProperty(rl, 'isCompletionEnabled', { get: () => true, set: () => undefined });

    let rows = 0;
    let closed = false;
    const beforeKey = (_: unknown, key?: { readonly name?: string }) => {
      if (key?.name !== 'return' && key?.name !== 'enter') return;
      // From the end of what was typed one can read how many rows it takes; after Enter it is too late.
      rl.write(null, { ctrl: true, name: 'e' });
      rows = rl.getCursorPos().rows + 1;
    };
    const clearFrom = (rowsUp: number) => {
      moveCursor(stdout, 0, -rowsUp);
      cursorTo(stdout, 0);
      clearScreenDown(stdout);
    };

    const beforeResize = () => {
      // What was typed is on other rows already; `readline` would climb as many as before, over what others said.
      Object.assign(rl, { prevRows: rl.getCursorPos().rows });
    };

    stdin.prependListener('keypress', beforeKey);
    stdout.prependListener('resize', beforeResize);
    // Goes first: what was entered is shown again in its place in the room's order, once it has one.
    rl.on('line', () => {
      clearFrom(rows);
      rl.prompt();
    });
    rl.on('SIGINT', () => {
      rl.close();
    });
    rl.on('close', () => {
      closed = true;
      stdout.write('\n');
      subscriber.complete();
    });
    subscriber.add(() => {
      stdin.off('keypress', beforeKey);
      stdout.off('resize', beforeResize);
      rl.close();
    });

    rl.prompt();
    const closed$ = fromEvent(rl, 'close');
    subscriber.next({
      line$: (fromEvent(rl, 'line') as Observable<string>).pipe(takeUntil(closed$)),
      columns$: fromEvent(stdout, 'resize').pipe(
        startWith(undefined),
        map(() => stdout.columns || COLUMNS),
        takeUntil(closed$),
      ),
      print: (text) => {
        if (closed) return void stdout.write(`${text}\n`);
        const below = rl.getCursorPos().rows;
        clearFrom(below);
        // `prompt` climbs as many rows again before it draws.
        stdout.write(`${text}\n${'\n'.repeat(below)}`);
        rl.prompt(true);
      },
      setFoot: (foot) => {
        if (closed) return;
        clearFrom(rl.getCursorPos().rows);
        rl.setPrompt(promptOf(foot));
        stdout.write('\n'.repeat(rl.getCursorPos().rows));
        rl.prompt(true);
      },
      edit: () => undefined,
    });
  });

import { clearScreenDown, createInterface, cursorTo, moveCursor } from 'node:readline';
import { fromEvent, Observable, takeUntil } from 'rxjs';
import type { Visible } from './visible.js';

/** A place where one person reads and writes. */
export interface Screen {
  /** Lines as they are entered. */
  readonly line$: Observable<string>;
  /** Shows lines above the one being typed, which stays as it is. */
  readonly print: (text: Visible) => void;
}

/**
 * The input line of a terminal. Emits the screen once; completes when the person wants to go (Ctrl-D, Ctrl-C); gives
 * the terminal back when it is unsubscribed.
 */
export const terminalScreen = (prompt: Visible): Observable<Screen> =>
  new Observable((subscriber) => {
    const { stdin, stdout } = process;
    const rl = createInterface({ input: stdin, output: stdout, terminal: true, prompt, historySize: 500 });
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
    subscriber.next({
      line$: (fromEvent(rl, 'line') as Observable<string>).pipe(takeUntil(fromEvent(rl, 'close'))),
      print: (text) => {
        if (closed) return void stdout.write(`${text}\n`);
        const below = rl.getCursorPos().rows;
        clearFrom(below);
        // `prompt` climbs as many rows again before it draws.
        stdout.write(`${text}\n${'\n'.repeat(below)}`);
        rl.prompt(true);
      },
    });
  });

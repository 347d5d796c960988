import { openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { ReadStream, WriteStream } from 'node:tty';
import { Observable } from 'rxjs';
import type { Visible } from './visible.js';

/** There is no terminal to ask on, or whoever was asked would not say. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  readonly asked: boolean;

  constructor(asked: boolean) {
    super(asked ? 'no answer' : 'there is no terminal to ask on');
    this.asked = asked;
  }
}

/**
 * Asks on the terminal that the process belongs to, be standard input and output what they may, and shows nothing of what
 * is typed. Emits the line and completes; a `NoAnswerError` where there is no terminal, at Ctrl-C and at Ctrl-D.
 * Unsubscribing gives the terminal back.
 */
export const askHidden = (question: Visible): Observable<string> =>
  new Observable((subscriber) => {
    const terminal = openTerminal();
    if (terminal === undefined) {
      subscriber.error(new NoAnswerError(false));
      return;
    }
    const { input, output } = terminal;
    output.write(question);
    // What readline would echo goes nowhere.
    const dark = new Writable({
      write: (_chunk, _encoding, done) => {
        done();
      },
    });
    const lines = createInterface({ input, output: dark, terminal: true, historySize: 0 });
    const refuse = () => {
      subscriber.error(new NoAnswerError(true));
    };
    lines.once('line', (line) => {
      subscriber.next(line);
      subscriber.complete();
    });
    lines.once('SIGINT', refuse);
    lines.once('close', refuse);
    return () => {
      lines.close();
      input.destroy();
      output.end('\n', () => output.destroy());
    };
  });

const openTerminal = () => {
  try {
    return {
      input: new ReadStream(openSync('/dev/tty', 'r')),
      output: new WriteStream(openSync('/dev/tty', 'w')),
    };
  } catch {
    return undefined;
  }
};

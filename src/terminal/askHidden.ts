import { openSync } from 'node:fs';
import { ReadStream, WriteStream } from 'node:tty';
import { Observable } from 'rxjs';
import { guarded, hear, ignoreErrors } from '../guard.js';
import { before } from './editor/draft.js';
import { type CursorReport, type Input, keyReader } from './editor/keys.js';
import { control, joined, type Visible } from './visible.js';

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
    let answer = '';
    const done = () => {
      subscriber.next(answer);
      subscriber.complete();
    };
    const refuse = () => {
      subscriber.error(new NoAnswerError(true));
    };
    const press = (name: string) => {
      if (name === 'Enter') done();
      else if (name === 'C-c' || (name === 'C-d' && answer === '')) refuse();
      else if (name === 'C-u') answer = '';
      else if (name === 'Backspace') answer = answer.slice(0, before(answer, answer.length));
      else if (name === 'C-z') suspend();
    };
    const take = (each: Input | CursorReport) => {
      if (each.type === 'text') answer += each.text;
      if (each.type === 'key') press(each.name);
      if (each.type !== 'paste') return;
      const [line = '', ...more] = each.text.split(/\r\n?|\n/);
      answer += line;
      if (more.length > 0) done();
    };
    const hold = () => {
      // A shell may have changed it meanwhile, and what it is believed to be already is not set again.
      input.setRawMode(false);
      input.setRawMode(true);
    };
    const suspend = () => {
      input.setRawMode(false);
      // Windows has no such thing.
      if (process.platform !== 'win32') process.kill(0, 'SIGTSTP');
    };
    const continued = () => {
      hold();
      output.write(question);
    };
    const failed = (error: unknown) => {
      subscriber.error(error);
    };
    const keys = keyReader(guarded(take, failed));
    hear(input, 'data', keys.read, failed);
    hear(input, 'end', refuse, failed);
    // A terminal that is gone fails when it is given back, too.
    hear(input, 'error', refuse, failed);
    ignoreErrors(output);
    const stop = hear(process, 'SIGCONT', continued, failed);
    output.write(joined(control('pasteMarksOn'), question));
    hold();
    return () => {
      stop();
      keys.close();
      input.setRawMode(false);
      input.destroy();
      output.end(`${control('pasteMarksOff')}\n`, () => output.destroy());
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

import { openSync } from 'node:fs';
import { ReadStream, WriteStream } from 'node:tty';
import { Observable } from 'rxjs';
import { guard, addListener, ignoreErrors } from '../util/guard.js';
import { previousGrapheme } from './editor/draft.js';
import { type CursorReport, type EditorInput, keyReader } from './editor/keyReader.js';
import { controlSequence, concatText, type SafeText } from '../text/sanitize.js';

/** Error if there is no terminal to prompt on, or the user cancelled. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  readonly wasPrompted: boolean;

  constructor(prompted: boolean) {
    super(prompted ? 'no answer' : 'there is no terminal to ask on');
    this.wasPrompted = prompted;
  }
}

/**
 * Prompts on the controlling terminal, regardless of redirections, without echo. Emits the line and
 * completes. Errors with `NoAnswerError` if there is no terminal, and at Ctrl-C and Ctrl-D. Unsubscribing
 * restores the terminal.
 */
export const promptHidden = (question: SafeText): Observable<string> =>
  new Observable((subscriber) => {
    const terminal = openTerminal();
    if (terminal === undefined) {
      subscriber.error(new NoAnswerError(false));
      return;
    }
    const { input, output } = terminal;
    let answer = '';
    const submit = () => {
      subscriber.next(answer);
      subscriber.complete();
    };
    const rejectPrompt = () => {
      subscriber.error(new NoAnswerError(true));
    };
    const onKey = (name: string) => {
      if (name === 'Enter') submit();
      else if (name === 'C-c' || (name === 'C-d' && answer === '')) rejectPrompt();
      else if (name === 'C-u') answer = '';
      else if (name === 'Backspace') answer = answer.slice(0, previousGrapheme(answer, answer.length));
      else if (name === 'C-z') suspend();
    };
    const onInput = (each: EditorInput | CursorReport) => {
      if (each.type === 'text') answer += each.text;
      if (each.type === 'key') onKey(each.name);
      if (each.type !== 'paste') return;
      const [line = '', ...more] = each.text.split(/\r\n?|\n/);
      answer += line;
      if (more.length > 0) submit();
    };
    const acquire = () => {
      // A shell may have changed the mode, and Node skips a call that sets the mode it remembers.
      input.setRawMode(false);
      input.setRawMode(true);
    };
    const suspend = () => {
      input.setRawMode(false);
      // Windows has no such signal.
      if (process.platform !== 'win32') process.kill(0, 'SIGTSTP');
    };
    const onContinue = () => {
      acquire();
      output.write(question);
    };
    const onError = (error: unknown) => {
      subscriber.error(error);
    };
    const keys = keyReader(guard(onInput, onError));
    addListener(input, 'data', keys.read, onError);
    addListener(input, 'end', rejectPrompt, onError);
    // Restoring a terminal that is gone fails as well.
    addListener(input, 'error', rejectPrompt, onError);
    ignoreErrors(output);
    const stop = addListener(process, 'SIGCONT', onContinue, onError);
    // Before the question: a Ctrl-C in answer to it is a key then, not a signal.
    acquire();
    output.write(concatText(controlSequence('pasteMarksOn'), question));
    return () => {
      stop();
      keys.close();
      input.setRawMode(false);
      input.destroy();
      output.end(`${controlSequence('pasteMarksOff')}\n`, () => output.destroy());
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

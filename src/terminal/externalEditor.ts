import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addListener } from '../util/guard.js';
import { describeSystemError } from '../util/errors.js';
import { removeSecrets } from '../util/removeSecrets.js';
import { setTerminalLeased } from './terminalState.js';
import { pluralize } from '../text/format.js';
import { concatText, safe, type SafeText, sanitizeLines } from '../text/sanitize.js';

/** Result of editing a text. */
export type EditResult =
  | { readonly type: 'text'; readonly text: string }
  /** The editor failed, so the text is unchanged. */
  | { readonly type: 'unchanged' }
  | { readonly type: 'failed'; readonly reason: string };

/** Running editor. */
export interface ExternalEditor {
  /** File with the text, readable by this user only. It is removed when the editor is closed. */
  readonly file: string;
  /** Ends the editor as a lost terminal would, and leaves the file. */
  readonly abandon: () => void;
}

/** Returns the user's editor as a shell command. */
const editorCommand = (): string =>
  [process.env['VISUAL'], process.env['EDITOR']].find((each) => each !== undefined && each !== '') ??
  (process.platform === 'win32' ? 'notepad' : 'vi');

/**
 * Opens an editor on a text and calls back when it is closed. The terminal of this process must have been
 * released. If the text cannot be written or the editor not started, calls back at once and returns
 * `undefined`.
 */
export const openExternalEditor = (
  text: string,
  onDone: (result: EditResult) => void,
): ExternalEditor | undefined => {
  const draft = writeDraft(text);
  if (typeof draft === 'string') {
    onDone({ type: 'failed', reason: draft });
    return undefined;
  }
  const { directory, file } = draft;
  let isFinished = false;
  const finish = (result: EditResult) => {
    if (isFinished) return;
    isFinished = true;
    setTerminalLeased(false);
    removeDraft(directory);
    onDone(result);
  };
  const onError = (error: unknown) => {
    finish({ type: 'failed', reason: describeSystemError(error) });
  };
  setTerminalLeased(true);
  const env = removeSecrets(process.env);
  const onClose = (code: number | null) => {
    if (isFinished) return;
    if (code === 127)
      finish({ type: 'failed', reason: `there is no ${editorCommand()}; set VISUAL or EDITOR` });
    else if (code !== 0) finish({ type: 'unchanged' });
    else finish(loadDraft(file));
  };
  let child: ChildProcess;
  try {
    child =
      process.platform === 'win32'
        ? spawn(`${editorCommand()} "${file}"`, { stdio: 'inherit', shell: true, env })
        : spawn('/bin/sh', ['-c', `${editorCommand()} "$1"`, 'sh', file], { stdio: 'inherit', env });
  } catch (error) {
    // Some system errors are thrown, such as for a command that is too long; others are events.
    onError(error);
    return undefined;
  }
  addListener(child, 'error', onError, onError);
  addListener(child, 'close', onClose, onError);
  return {
    file,
    abandon: () => {
      isFinished = true;
      setTerminalLeased(false);
      child.kill('SIGHUP');
    },
  };
};

/** Writes a draft to a file in a private directory of its own. Returns the reason if that fails. */
const writeDraft = (text: string): { readonly directory: string; readonly file: string } | string => {
  let directory: string | undefined;
  try {
    // `XDG_RUNTIME_DIR` is in memory and private to the user.
    directory = mkdtempSync(join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), 'rxchat-'));
    const file = join(directory, 'draft.txt');
    writeFileSync(file, text === '' ? '' : `${text}\n`, { mode: 0o600 });
    return { directory, file };
  } catch (error) {
    if (directory !== undefined) removeDraft(directory);
    return `cannot write the draft: ${describeSystemError(error)}`;
  }
};

/** Removes the draft's directory. If that fails, it stays, private to this user. */
const removeDraft = (directory: string): void => {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // The disk failed, or the directory is in use. The text was read already or is not needed.
  }
};

const loadDraft = (file: string): EditResult => {
  try {
    return { type: 'text', text: readFileSync(file, 'utf8') };
  } catch {
    // The editor removed the file, so the text is unchanged.
    return { type: 'unchanged' };
  }
};

/** Maximum length of the waiting output, in UTF-16 code units. */
const MAX_LENGTH = 1_048_576;

const NEWLINE = sanitizeLines('\n');

/**
 * Lines to print once another program has released the terminal. Beyond 1 MiB, the oldest are dropped and
 * their number is reported.
 */
interface DeferredOutput {
  readonly add: (text: SafeText) => void;
  /** Returns and removes all lines, each with a newline. */
  readonly flush: () => SafeText;
}

/** Creates an empty output that keeps at most `maxLength` UTF-16 code units. */
export const deferredOutput = (maxLength: number = MAX_LENGTH): DeferredOutput => {
  let texts: SafeText[] = [];
  let size = 0;
  let droppedCount = 0;
  return {
    add: (text) => {
      texts.push(text);
      size += text.length;
      while (size > maxLength && texts.length > 1) {
        size -= texts.shift()?.length ?? 0;
        droppedCount += 1;
      }
    },
    flush: () => {
      const lines =
        droppedCount === 0 ? texts : [safe`-- ${pluralize(droppedCount, 'line')} were dropped`, ...texts];
      [texts, size, droppedCount] = [[], 0, 0];
      return concatText(...lines.flatMap((each) => [each, NEWLINE]));
    },
  };
};

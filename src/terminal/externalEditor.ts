import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hear } from '../guard.js';
import { systemFault } from '../systemFault.js';
import { withoutSecrets } from '../withoutSecrets.js';
import { handOver } from './handOver.js';

/** What became of a text in an editor. */
export type Edited =
  | { readonly type: 'text'; readonly text: string }
  /** It ended otherwise than well: what was is to stay. */
  | { readonly type: 'unchanged' }
  | { readonly type: 'failed'; readonly reason: string };

/** An editor that is open. */
export interface OpenEditor {
  /** Where the text is, for this person alone; it goes when the editor is closed. */
  readonly file: string;
  /** Ends the editor, as it would be if its terminal went, and leaves the file. */
  readonly abandon: () => void;
}

/** The editor of the person, as a command of the shell. */
const command = (): string =>
  [process.env['VISUAL'], process.env['EDITOR']].find((each) => each !== undefined && each !== '') ??
  (process.platform === 'win32' ? 'notepad' : 'vi');

/**
 * Opens an editor on a text, in the terminal of this process, which must have let go of it; calls back once it is closed.
 * Calls back at once and returns `undefined` if the text cannot be written or the editor not started.
 */
export const openEditor = (text: string, done: (edited: Edited) => void): OpenEditor | undefined => {
  const draft = writeDraft(text);
  if (typeof draft === 'string') {
    done({ type: 'failed', reason: draft });
    return undefined;
  }
  const { directory, file } = draft;
  let isOver = false;
  const end = (edited: Edited) => {
    if (isOver) return;
    isOver = true;
    handOver(false);
    removeDraft(directory);
    done(edited);
  };
  const failed = (error: unknown) => {
    end({ type: 'failed', reason: systemFault(error) });
  };
  handOver(true);
  const env = withoutSecrets(process.env);
  const closed = (code: number | null) => {
    if (isOver) return;
    if (code === 127) end({ type: 'failed', reason: `there is no ${command()}; VISUAL or EDITOR names one` });
    else if (code !== 0) end({ type: 'unchanged' });
    else end(readText(file));
  };
  let child: ChildProcess;
  try {
    child =
      process.platform === 'win32'
        ? spawn(`${command()} "${file}"`, { stdio: 'inherit', shell: true, env })
        : spawn('/bin/sh', ['-c', `${command()} "$1"`, 'sh', file], { stdio: 'inherit', env });
  } catch (error) {
    // Some faults of the system are thrown, such as a command that is too long; others are events.
    failed(error);
    return undefined;
  }
  hear(child, 'error', failed, failed);
  hear(child, 'close', closed, failed);
  return {
    file,
    abandon: () => {
      isOver = true;
      handOver(false);
      child.kill('SIGHUP');
    },
  };
};

/** A file in a directory of its own, for this person alone; or why there is none. */
const writeDraft = (text: string): { readonly directory: string; readonly file: string } | string => {
  let directory: string | undefined;
  try {
    // Where there is one, it is in memory and nobody else's.
    directory = mkdtempSync(join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), 'rxchat-'));
    const file = join(directory, 'draft.txt');
    writeFileSync(file, text === '' ? '' : `${text}\n`, { mode: 0o600 });
    return { directory, file };
  } catch (error) {
    if (directory !== undefined) removeDraft(directory);
    return `the draft cannot be written: ${systemFault(error)}`;
  }
};

/** What cannot be removed stays, for this person alone. */
const removeDraft = (directory: string): void => {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // The disk fails, or the directory is held; the text itself was read or is not wanted.
  }
};

const readText = (file: string): Edited => {
  try {
    return { type: 'text', text: readFileSync(file, 'utf8') };
  } catch {
    // It was removed there: nothing is wanted of it.
    return { type: 'unchanged' };
  }
};

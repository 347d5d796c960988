import { startTimer, guard, addListener } from '../util/guard.js';
import { type CursorReport, type EditorInput, keyReader } from './editor/keyReader.js';
import { controlSequence, type SafeText } from '../text/sanitize.js';

/** Time, in ms, within which a process stops after its signal. */
const STOP_DELAY_MS = 100;

/** Callbacks of the terminal. */
interface TtyListener {
  readonly onInput: (input: EditorInput | CursorReport) => void;
  readonly onResize: () => void;
  /** Called when the process continues after a stop. */
  readonly onContinue: () => void;
  /** Called when the terminal is gone or the process ends for any reason: the last chance to act. */
  readonly onClose: () => void;
  /** Called with each error that another callback throws. */
  readonly onError: (error: unknown) => void;
}

/** Terminal of this process. While it is acquired, every key goes to this process. */
interface Tty {
  readonly columns: number;
  readonly rows: number;
  /** Writes a text in a single call. */
  readonly write: (text: SafeText) => void;
  /** Restores the terminal for other programs; `acquire` takes it back. */
  readonly release: () => void;
  readonly acquire: () => void;
  /** Stops the process group, as Ctrl-Z does. Has no effect if no shell could continue it. */
  readonly suspend: () => void;
  /** Releases the terminal for good. */
  readonly close: () => void;
}

/** Opens the terminal of this process, and calls back for its events. The caller acquires it. */
export const openTty = (listener: TtyListener): Tty => {
  const { stdin, stdout } = process;
  const release = () => {
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write(controlSequence('pasteMarksOff'));
  };
  const acquire = () => {
    // A shell may have changed the mode, and Node skips a call that sets the mode it remembers.
    stdin.setRawMode(false);
    stdin.setRawMode(true);
    stdin.resume();
    stdout.write(controlSequence('pasteMarksOn'));
  };
  const { onClose, onError } = listener;
  let isSuspended = false;
  const onContinue = () => {
    isSuspended = false;
    listener.onContinue();
  };

  const keys = keyReader(guard(listener.onInput, onError));
  const stops = [
    addListener(stdin, 'data', keys.read, onError),
    ...['end', 'close'].map((event) => addListener(stdin, event, onClose, onError)),
    addListener(stdout, 'resize', listener.onResize, onError),
    addListener(process, 'SIGCONT', onContinue, onError),
    ...['SIGHUP', 'exit', 'uncaughtExceptionMonitor'].map((event) =>
      addListener(process, event, onClose, onError),
    ),
  ];
  // Stays registered, since restoring a terminal that is gone fails as well.
  addListener(stdin, 'error', onClose, onError);

  return {
    get columns() {
      return stdout.columns || 80;
    },
    get rows() {
      return stdout.rows || 24;
    },
    write: (text) => {
      stdout.write(text);
    },
    release,
    acquire,
    suspend: () => {
      // Windows has no such signal.
      if (process.platform !== 'win32') process.kill(0, 'SIGTSTP');
      isSuspended = true;
      // Without a shell above it, the system does not stop the process, so it resumes here. After a real
      // stop, `onContinue` has run already in this tick.
      const resume = () => {
        if (isSuspended) onContinue();
      };
      startTimer(
        STOP_DELAY_MS,
        () => {
          setImmediate(guard(resume, onError));
        },
        onError,
      );
    },
    close: () => {
      keys.close();
      for (const stop of stops) stop();
      release();
    },
  };
};

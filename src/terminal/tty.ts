import { type CursorReport, type Input, keyReader } from './editor/keys.js';
import { control, type Visible } from './visible.js';

/** In how many ms a process that is to stop has stopped. */
const NOTICED = 100;

/** What the terminal of this process calls back. */
export interface Listener {
  readonly input: (input: Input | CursorReport) => void;
  readonly resized: () => void;
  /** It was stopped, and goes on. */
  readonly continued: () => void;
  /** It is gone, or the process ends, however that may be: the last moment to do anything. */
  readonly gone: () => void;
}

/** The terminal of this process, whose every key comes to us while it is held. */
export interface Tty {
  readonly columns: number;
  readonly rows: number;
  /** Drawn in one piece. */
  readonly write: (text: Visible) => void;
  /** Lets others have it as it was, and takes it again. */
  readonly release: () => void;
  readonly hold: () => void;
  /** Stops this process and those that it was started with, as Ctrl-Z does elsewhere; where nobody could go on with it, nothing happens. */
  readonly suspend: () => void;
  /** Gives it back for good. */
  readonly close: () => void;
}

export const openTty = (listener: Listener): Tty => {
  const { stdin, stdout } = process;
  const release = () => {
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write(control('pasteMarksOff'));
  };
  const hold = () => {
    // A shell may have changed it meanwhile, and what it is believed to be already is not set again.
    stdin.setRawMode(false);
    stdin.setRawMode(true);
    stdin.resume();
    stdout.write(control('pasteMarksOn'));
  };
  const { gone } = listener;
  let isSuspended = false;
  const continued = () => {
    isSuspended = false;
    listener.continued();
  };

  const keys = keyReader(listener.input);
  stdin.on('data', keys.read).on('end', gone).on('close', gone).on('error', gone);
  stdout.on('resize', listener.resized);
  process.on('SIGCONT', continued).on('SIGHUP', gone);
  process.on('exit', gone).on('uncaughtExceptionMonitor', gone);

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
    hold,
    suspend: () => {
      // Windows has no such thing.
      if (process.platform !== 'win32') process.kill(0, 'SIGTSTP');
      isSuspended = true;
      // The system stops nothing that has no shell above it. Who was stopped is told so before, in the same turn.
      setTimeout(() => {
        setImmediate(() => {
          if (isSuspended) continued();
        });
      }, NOTICED);
    },
    close: () => {
      keys.close();
      stdin.off('data', keys.read).off('end', gone).off('close', gone);
      stdout.off('resize', listener.resized);
      process.off('SIGCONT', continued).off('SIGHUP', gone);
      process.off('exit', gone).off('uncaughtExceptionMonitor', gone);
      release();
    },
  };
};

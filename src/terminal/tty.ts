import { after, guarded, hear } from '../guard.js';
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
  /** Called with what another of these threw. */
  readonly failed: (error: unknown) => void;
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
  const { gone, failed } = listener;
  let isSuspended = false;
  const continued = () => {
    isSuspended = false;
    listener.continued();
  };

  const keys = keyReader(guarded(listener.input, failed));
  const stops = [
    hear(stdin, 'data', keys.read, failed),
    ...['end', 'close'].map((event) => hear(stdin, event, gone, failed)),
    hear(stdout, 'resize', listener.resized, failed),
    hear(process, 'SIGCONT', continued, failed),
    ...['SIGHUP', 'exit', 'uncaughtExceptionMonitor'].map((event) => hear(process, event, gone, failed)),
  ];
  // Not taken off again: a terminal that is gone fails when it is given back, too.
  hear(stdin, 'error', gone, failed);

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
      const goOn = () => {
        if (isSuspended) continued();
      };
      after(
        NOTICED,
        () => {
          setImmediate(guarded(goOn, failed));
        },
        failed,
      );
    },
    close: () => {
      keys.close();
      for (const stop of stops) stop();
      release();
    },
  };
};

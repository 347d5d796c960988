import { type Child, tempDir, rxchat } from '../child.js';
import { lineWith } from '../streamOutput.js';

/** A relay with its own directory that can be ended and restarted on the same port. */
export interface RestartableRelay {
  readonly port: number;
  /** The directory of its history. */
  readonly dir: string;
  /** The process that is running, or ran last. */
  readonly child: Child;
  /** Starts it, and resolves once it listens. The flags apply to this run only. */
  start(...flags: readonly string[]): Promise<void>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Ends it with SIGTERM, and expects exit code 0. */
  stop(): Promise<void>;
  /** Resolves once that nick has joined that many times since the last start (default 1). */
  joined(nick: string, times?: number): Promise<unknown>;
  /** Resolves once that nick has left or lost its connection, optionally for a reason. */
  left(nick: string, reason?: string): Promise<unknown>;
}

/** Starts a relay for the first time, on a free port. The flags apply to each run. */
export const startRestartableRelay = (...flags: readonly string[]): Promise<RestartableRelay> =>
  startWrappedRelay(() => [], flags);

/** Starts a relay through a program that executes it. `by` gets the directory. */
export const startWrappedRelay = async (
  by: (dir: string) => readonly string[],
  flags: readonly string[] = [],
): Promise<RestartableRelay> => {
  const dir = tempDir();
  let port = 0;

  const launch = async (more: readonly string[]): Promise<Child> => {
    const retaining = more.includes('--memory') ? [] : ['--data', dir];
    const always = ['serve', '--port', String(port), '--log-level', 'info', ...flags];
    const child = rxchat([...always, ...retaining, ...more], { wrapper: by(dir) });
    const [, bound] = await child.out.until(({ text }) => /^listening on 127\.0\.0\.1:(\d+)\n/.exec(text));
    port = Number(bound);
    return child;
  };

  let child = await launch([]);
  return {
    port,
    dir,
    get child() {
      return child;
    },
    start: async (...more) => {
      child = await launch(more);
    },
    kill: async () => {
      child.signal('SIGKILL');
      await child.exit;
    },
    stop: async () => {
      child.signal('SIGTERM');
      const code = await child.exit;
      if (code !== 0) throw new Error(`the relay ended with ${code}:\n${child.err.text}`);
    },
    joined: (nick, times = 1) =>
      child.err.until(
        ({ lines }) =>
          lines.filter((each) => each.includes(`"nick":"${nick}"`) && each.includes('"msg":"joined"'))
            .length >= times,
      ),
    left: (nick, reason = '') =>
      child.err.until(lineWith(`"nick":"${nick}"`, `"reason":"${reason}`, '"msg":"left"')),
  };
};

import { type Child, newDir, rxchat } from '../child.js';
import { line } from '../said.js';

/** A relay with a directory of its own, which can be ended and started again, on the same port each time. */
export interface LastingRelay {
  readonly port: number;
  /** Where its history is. */
  readonly dir: string;
  /** The process that runs, or ran last. */
  readonly child: Child;
  /** Starts it; resolves once it listens. The flags are those of this run alone. */
  start(...flags: readonly string[]): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM, and it ends well. */
  stop(): Promise<void>;
  /** Resolves once that nick came in so many times since the last start; once, where nothing is said. */
  joined(nick: string, times?: number): Promise<unknown>;
  /** The same with its connection being over, or with one of the reasons for that. */
  left(nick: string, reason?: string): Promise<unknown>;
}

/** Starts a relay for the first time, when it picks its port. The flags are those of each run. */
export const lastingRelay = (...flags: readonly string[]): Promise<LastingRelay> =>
  relayStartedBy(() => [], flags);

/** The same by way of a program that becomes the relay; it is told the directory. */
export const relayStartedBy = async (
  by: (dir: string) => readonly string[],
  flags: readonly string[] = [],
): Promise<LastingRelay> => {
  const dir = newDir();
  let port = 0;

  const launch = async (more: readonly string[]): Promise<Child> => {
    const keeping = more.includes('--memory') ? [] : ['--data', dir];
    const always = ['serve', '--port', String(port), '--log-level', 'info', ...flags];
    const child = rxchat([...always, ...keeping, ...more], { by: by(dir) });
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
      child.err.until(line(`"nick":"${nick}"`, `"reason":"${reason}`, '"msg":"left"')),
  };
};

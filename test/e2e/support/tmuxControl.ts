import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A client of a tmux server in control mode, which runs tmux commands without a process for each. */
export interface TmuxControl {
  /** Runs a command, and resolves with its output. */
  run(...words: readonly string[]): Promise<string>;
  /** Resolves when a program writes to the terminal, or after that time. */
  outputOr(ms: number): Promise<void>;
  /** Resolves when the server has exited. */
  readonly closed: Promise<unknown>;
}

/** Quotes a word for the shell and for tmux. */
export const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Attaches to the server of that name. The client has no size, and so does not change the size of the window. */
export const controlTmux = (server: string, env: NodeJS.ProcessEnv): TmuxControl => {
  const child = spawn('tmux', ['-L', server, '-C', 'attach'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const closed = once(child, 'close');
  child.stdin.on('error', () => undefined);

  /** Commands without an answer yet, oldest first. */
  const pending: { command: string; resolve: (text: string) => void; reject: (error: Error) => void }[] = [];
  const woken = new Set<() => void>();
  /** The words of the `%begin` without its `%end` or `%error`, and the lines since then. */
  let block: { id: string; lines: string[] } | undefined;

  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, word = '', id = ''] = /^%(\w+) (\d+ \d+ \d+)$/.exec(line) ?? [];
    if (block === undefined) {
      if (word === 'begin') block = { id, lines: [] };
      else if (line.startsWith('%output ')) for (const wake of woken) wake();
    } else if (id === block.id && (word === 'end' || word === 'error')) {
      const { lines } = block;
      block = undefined;
      // Attaching has an answer too, with 0 as its flags.
      if (id.endsWith(' 0')) return;
      const { command, resolve, reject } = pending.shift()!;
      if (word === 'end') resolve(lines.join('\n'));
      else reject(new Error(`tmux ${command}: ${lines.join('\n')}`));
    } else {
      block.lines.push(line);
    }
  });
  let isClosed = false;
  void closed.then(() => {
    isClosed = true;
    for (const { command, reject } of pending) reject(new Error(`tmux ended before ${command}`));
  });

  return {
    closed,
    run: (...words) =>
      new Promise((resolve, reject) => {
        const command = words.map(quote).join(' ');
        if (isClosed) {
          reject(new Error(`tmux has ended: ${command}`));
          return;
        }
        pending.push({ command, resolve, reject });
        child.stdin.write(`${command}\n`);
      }),
    outputOr: (ms) =>
      new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          woken.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        woken.add(wake);
      }),
  };
};

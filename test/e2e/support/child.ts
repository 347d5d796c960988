import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atEnd } from './endings.js';
import { hear, type Said } from './said.js';

/** The built command. */
export const RXCHAT: string = fileURLToPath(new URL('../../../dist/bin/rxchat.js', import.meta.url));

/** A running `rxchat`, or another program. */
export interface Child {
  readonly pid: number;
  readonly out: Said;
  readonly err: Said;
  /** Its exit code, or the signal that ended it; after all that it printed was read. */
  readonly exit: Promise<number | NodeJS.Signals>;
  /** Whether it has not exited yet. */
  readonly running: boolean;
  /** Writes to its standard input. */
  feed(text: string): void;
  /** Ends its standard input. */
  endInput(): void;
  signal(name: NodeJS.Signals): void;
}

export interface ChildOptions {
  /** More environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** All of its standard input. Where nothing is said it stays open, for `feed`. */
  readonly input?: string | Uint8Array;
  /** What to keep of each line of its standard output. */
  readonly keep?: (line: string) => string;
  /** Without the right to listen on low ports, which root has. */
  readonly unprivileged?: boolean;
  /** A program, and its arguments, that becomes the command. */
  readonly by?: readonly string[];
}

/** A new directory, which is gone when the test is over. */
export const newDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
  atEnd(() => removed(dir));
  return dir;
};

/** Removes a directory, again where somebody who was in it still put something down. */
const removed = async (dir: string): Promise<void> => {
  for (let tries = 1; ; tries += 1) {
    try {
      rmSync(dir, { recursive: true, force: true });
      return;
    } catch (error) {
      if (tries === 1000) throw error;
      await new Promise(setImmediate);
    }
  }
};

let data: string | undefined;

/** One directory for a whole test: all that it starts is one person, unless it says otherwise. */
export const ownData = (): string => {
  if (data === undefined) {
    data = newDir();
    atEnd(() => {
      data = undefined;
    });
  }
  return data;
};

/** The environment of this process without what would change the behaviour of a child. */
export const cleanEnv = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !name.startsWith('RXCHAT_') &&
        !['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'NO_COLOR', 'npm_command'].includes(name),
    ),
  );

/** Starts a program, which is ended by its pid when the test is over. Whatever it is, it must not print a stack trace. */
export const start = (
  command: string,
  args: readonly string[],
  { env = {}, input, keep }: ChildOptions = {},
): Child => {
  const child = spawn(command, args, {
    // What it keeps is kept for it alone.
    env: {
      ...cleanEnv(),
      XDG_STATE_HOME: env['XDG_STATE_HOME'] ?? newDir(),
      XDG_DATA_HOME: env['XDG_DATA_HOME'] ?? ownData(),
      XDG_CONFIG_HOME: env['XDG_CONFIG_HOME'] ?? ownData(),
      ...env,
    },
    stdio: 'pipe',
  });
  const { stdin, stdout, stderr } = child;
  let running = true;

  const exit = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'));
  });
  // Whoever awaits it hears of it; it is no unhandled rejection meanwhile.
  exit.catch(() => undefined);
  child.once('exit', () => (running = false));
  // A child that ends early does not read what is still fed to it.
  stdin.on('error', () => undefined);
  if (input !== undefined) stdin.end(input);

  const err = hear(stderr);
  atEnd(async () => {
    if (running) child.kill('SIGKILL');
    await exit;
    if (/^\s+at /m.test(err.text)) throw new Error(`it printed a stack trace:\n${err.text}`);
  });

  return {
    pid: child.pid ?? 0,
    out: hear(stdout, { keep }),
    err,
    exit,
    get running() {
      return running;
    },
    feed: (text) => void stdin.write(text),
    endInput: () => void stdin.end(),
    signal: (name) => void child.kill(name),
  };
};

/** Starts the built command. */
export const rxchat = (args: readonly string[], options?: ChildOptions): Child => {
  if (!existsSync(RXCHAT)) throw new Error(`${RXCHAT} is missing: build it first, with npm run build`);
  const drop =
    options?.unprivileged === true && process.getuid?.() === 0
      ? ['setpriv', '--bounding-set', '-net_bind_service', '--']
      : [];
  const [program = '', ...rest] = [...(options?.by ?? []), ...drop, process.execPath, RXCHAT, ...args];
  return start(program, rest, options);
};

/** What a command that ran to its end said. */
export interface Ran {
  readonly code: number | NodeJS.Signals;
  readonly out: string;
  readonly err: string;
}

/** Runs the built command to its end, with nothing in standard input unless it is given. */
export const run = async (args: readonly string[], options: ChildOptions = {}): Promise<Ran> => {
  const child = rxchat(args, { input: '', ...options });
  const code = await child.exit;
  return { code, out: child.out.text, err: child.err.text };
};

/** How many bytes a process has read, of files and sockets, itself and by those whose end it has waited for. */
export const bytesRead = (pid: number): number =>
  Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);

/** The resident memory of a process, in bytes. */
export const residentMemory = (pid: number): number =>
  1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** Stops a process; resolves once it does not run any more, until a `SIGCONT`. */
export const freeze = async (child: Child): Promise<void> => {
  child.signal('SIGSTOP');
  const state = () => /^\d+ \(.*\) (\w)/.exec(readFileSync(`/proc/${child.pid}/stat`, 'utf8'))?.[1];
  while (child.running && state() !== 'T') await new Promise(setImmediate);
};

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { currentScope, onCleanup } from './cleanup.js';
import { readStream, type StreamOutput } from './streamOutput.js';

/** The built command. */
export const RXCHAT: string = fileURLToPath(new URL('../../../dist/bin/rxchat.js', import.meta.url));

/** A running `rxchat`, or another program. */
export interface Child {
  readonly pid: number;
  readonly out: StreamOutput;
  readonly err: StreamOutput;
  /** Resolves with the exit code, or the signal that ended it, once all of its output was read. */
  readonly exit: Promise<number | NodeJS.Signals>;
  /** Whether it has not exited yet. */
  readonly running: boolean;
  /** Writes to its standard input. */
  writeInput(text: string): void;
  /** Ends its standard input. */
  endInput(): void;
  signal(name: NodeJS.Signals): void;
}

export interface ChildOptions {
  /** Additional environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** All of its standard input. Without `input` it stays open for `writeInput`. */
  readonly input?: string | Uint8Array;
  /** Maps each line of its standard output before it is recorded. */
  readonly mapLine?: (line: string) => string;
  /** Removes the right to listen on low ports, which root has. */
  readonly unprivileged?: boolean;
  /** The launcher of the command (default: the built one). */
  readonly launcher?: string | undefined;
  /** A program with arguments that executes the command. */
  readonly wrapper?: readonly string[];
}

/** Creates a directory that is removed when the test ends. */
export const tempDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
  onCleanup(() => removeDir(dir));
  return dir;
};

/** Removes a directory. Tries again, because a process that is exiting may still write files there. */
const removeDir = async (dir: string): Promise<void> => {
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

/** The directories by scope of cleanups. */
const dataDirs = new WeakMap<object, string>();

/** Returns one directory for a whole test: all commands belong to one person, unless a test says otherwise. */
export const sharedDataDir = (): string => {
  const scope = currentScope();
  const dir = dataDirs.get(scope) ?? tempDir();
  if (!dataDirs.has(scope)) onCleanup(() => dataDirs.delete(scope));
  dataDirs.set(scope, dir);
  return dir;
};

/** Returns the environment of this process without variables that would change the behaviour of a child. */
export const cleanEnv = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !name.startsWith('RXCHAT_') &&
        !['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'NO_COLOR', 'npm_command'].includes(name),
    ),
  );

/** Returns the environment of a child, with a state directory of its own. */
export const childEnv = (env: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...cleanEnv(),
  XDG_STATE_HOME: env['XDG_STATE_HOME'] ?? tempDir(),
  XDG_DATA_HOME: env['XDG_DATA_HOME'] ?? sharedDataDir(),
  XDG_CONFIG_HOME: env['XDG_CONFIG_HOME'] ?? sharedDataDir(),
  ...env,
});

/** Starts a program, which is ended by its pid when the test ends. Its output must not contain a stack trace. */
export const start = (
  command: string,
  args: readonly string[],
  { env = {}, input, mapLine }: ChildOptions = {},
): Child => {
  const child = spawn(command, args, {
    env: childEnv(env),
    stdio: 'pipe',
  });
  const { stdin, stdout, stderr } = child;
  let running = true;

  const exit = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'));
  });
  // A test that awaits `exit` gets the error. Until then it must not be an unhandled rejection.
  exit.catch(() => undefined);
  child.once('exit', () => (running = false));
  // A child that ends early does not read the rest of its input.
  stdin.on('error', () => undefined);
  if (input !== undefined) stdin.end(input);

  const err = readStream(stderr);
  onCleanup(async () => {
    if (running) child.kill('SIGKILL');
    await exit;
    if (/^\s+at /m.test(err.text)) throw new Error(`it printed a stack trace:\n${err.text}`);
  });

  return {
    pid: child.pid ?? 0,
    out: readStream(stdout, { keep: mapLine }),
    err,
    exit,
    get running() {
      return running;
    },
    writeInput: (text) => void stdin.write(text),
    endInput: () => void stdin.end(),
    signal: (name) => void child.kill(name),
  };
};

/** Starts the built command. */
export const rxchat = (args: readonly string[], options: ChildOptions = {}): Child => {
  const { launcher = RXCHAT, wrapper = [], unprivileged = false } = options;
  if (!existsSync(launcher)) throw new Error(`${launcher} is missing: build it first, with npm run build`);
  const drop =
    unprivileged && process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-net_bind_service', '--'] : [];
  const [program = '', ...rest] = [...wrapper, ...drop, process.execPath, launcher, ...args];
  return start(program, rest, options);
};

/** The result of a command that has exited. */
export interface RunResult {
  readonly code: number | NodeJS.Signals;
  readonly out: string;
  readonly err: string;
}

/** Runs the built command until it exits, with empty standard input by default. */
export const run = async (args: readonly string[], options: ChildOptions = {}): Promise<RunResult> => {
  const child = rxchat(args, { input: '', ...options });
  const code = await child.exit;
  return { code, out: child.out.text, err: child.err.text };
};

/** Returns the bytes that a process and its exited children have read, from files and sockets. */
export const bytesRead = (pid: number): number =>
  Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);

/** Returns the resident memory of a process in bytes. */
export const residentMemory = (pid: number): number =>
  1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** Stops a process until a `SIGCONT`. Resolves once it is stopped. */
export const stopProcess = async (child: Child): Promise<void> => {
  child.signal('SIGSTOP');
  const state = () => /^\d+ \(.*\) (\w)/.exec(readFileSync(`/proc/${child.pid}/stat`, 'utf8'))?.[1];
  while (child.running && state() !== 'T') await new Promise(setImmediate);
};

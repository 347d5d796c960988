import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cleanEnv, tempDir, sharedDataDir, RXCHAT } from './child.js';
import { onCleanup } from './cleanup.js';
import { HANG_MS } from './streamOutput.js';
import { controlTmux, quote } from './tmuxControl.js';

const exec = promisify(execFile);

/** A terminal with a running command, and its keyboard. */
export interface Terminal {
  /** Types characters. */
  type(text: string): Promise<void>;
  /** Presses a key by its name in tmux: `Enter`, `C-c`, `Left`. */
  press(...keys: readonly string[]): Promise<void>;
  /** Pastes text as a terminal does: in brackets, if the program has asked for them. */
  paste(text: string): Promise<void>;
  /** Returns the cursor's position in the scrollback, from 0. */
  cursor(): Promise<string>;
  /** Returns the screen without trailing blanks. */
  screen(): Promise<string>;
  /** Returns the screen with its colour sequences. */
  colouredScreen(): Promise<string>;
  /** Resolves with the screen or the scrollback once it matches. A screen may be captured while it is drawn. */
  waitFor(pattern: RegExp, seen?: (screen: string) => string): Promise<string>;
  /** Returns the scrollback and the screen. */
  scrollback(): Promise<string>;
  /** Changes the size in characters. */
  resize(columns: number, rows: number): Promise<void>;
  /**
   * Records the bytes that are written to the terminal from now on. Resolves with a function that resolves with them
   * once they contain a text.
   */
  record(): Promise<(text: string) => Promise<string>>;
}

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  /** The person at the terminal; by default the one person of the whole test. */
  readonly data?: string;
  /** A program with arguments that executes the command. */
  readonly wrapper?: readonly string[];
  /** The state directory; by default a new one. */
  readonly state?: string;
  /** Additional environment variables of the command. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Whether tmux is installed. */
export const hasTmux = (): Promise<boolean> =>
  exec('tmux', ['-V']).then(
    () => true,
    () => false,
  );

/** Returns the ids of a process's children: the command in the shell. */
const childrenOf = (pid: string): Promise<readonly number[]> =>
  exec('ps', ['-o', 'pid=', '--ppid', pid]).then(
    ({ stdout }) => stdout.trim().split(/\s+/).map(Number),
    () => [],
  );

const isRunning = (pid: number): boolean => {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Whether a program of a session is running or waits for the disk: it may not have read its input yet. */
const isBusy = (session: string): boolean =>
  readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [, state, its] = /^.*\) (\w) \d+ \d+ (\d+) /s.exec(stat) ?? [];
      return its === session && (state === 'R' || state === 'D');
    } catch {
      return false;
    }
  });

/** Time in ms without output after which the screen is captured. */
const LOOK_MS = 30;

/**
 * Time in ms: at least the first after each key, at most the second until the terminal shows it. Then the program is
 * given the time that it needs to read the key, since keys that arrive together count as pasted.
 */
const KEY_MS = 10;
const ECHO_MS = 100;

let servers = 0;

/** Runs the built command in a terminal of its own. When it has exited, the screen shows `exit` and its code. */
export const openTerminal = async (
  args: readonly string[],
  {
    columns = 40,
    rows = 15,
    data = sharedDataDir(),
    wrapper = [],
    state = tempDir(),
    env: more = {},
  }: TerminalOptions = {},
): Promise<Terminal> => {
  const server = `rxchat-${process.pid}-${(servers += 1)}`;
  const env = {
    ...cleanEnv(),
    TERM: 'xterm-256color',
    XDG_STATE_HOME: state,
    XDG_DATA_HOME: data,
    XDG_CONFIG_HOME: data,
  };
  const variables = Object.entries(more).map(([name, value]) => `${name}=${value}`);
  const command = ['env', ...variables, ...wrapper, process.execPath, RXCHAT, ...args].map(quote).join(' ');

  // `cat` keeps the screen after the command has exited.
  const { stdout } = await exec(
    'tmux',
    [
      ...['-L', server, '-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', String(rows)],
      ...['-P', '-F', '#{pane_pid}', `${command}; echo exit $?; cat`],
    ],
    { env },
  );
  const session = stdout.trim();
  const tmux = controlTmux(server, env);
  onCleanup(async () => {
    const children = await childrenOf(session);
    await tmux.run('kill-server').catch(() => undefined);
    await tmux.closed;
    // Programs that are ending still write to directories that are about to be removed.
    while (children.some(isRunning)) await setTimeout(20);
  });

  const screen = async () => (await tmux.run('capture-pane', '-p')).trimEnd();
  /** Checks the terminal after each output, until the result is defined. */
  const watch = async <T>(look: () => Promise<T | undefined>): Promise<T | undefined> => {
    for (const began = performance.now(); performance.now() - began < HANG_MS;) {
      const output = tmux.outputOr(LOOK_MS);
      const found = await look();
      if (found !== undefined) return found;
      await output;
    }
    return undefined;
  };
  const sendKeys = async (...words: readonly string[]) => {
    const echo = tmux.outputOr(ECHO_MS);
    await tmux.run('send-keys', ...words);
    await Promise.all([echo, setTimeout(KEY_MS)]);
    while (isBusy(session)) await setTimeout(KEY_MS);
  };

  return {
    type: (text) => sendKeys('-l', '--', text),
    press: sendKeys,
    paste: async (text) => {
      // In control mode a command is a line, but the text may have several lines.
      await exec('tmux', ['-L', server, 'set-buffer', '--', text], { env });
      await tmux.run('paste-buffer', '-p');
    },
    cursor: async () =>
      (
        await tmux.run('display-message', '-p', 'row #{e|+:#{history_size},#{cursor_y}}, column #{cursor_x}')
      ).trim(),
    screen,
    colouredScreen: async () => (await tmux.run('capture-pane', '-e', '-p')).trimEnd(),
    waitFor: async (pattern, seen = (each) => each) => {
      const found = await watch(async () => {
        const printed = seen(await screen());
        return pattern.test(printed) ? printed : undefined;
      });
      if (found !== undefined) return found;
      throw new Error(`the terminal does not show ${String(pattern)} but:\n${await screen()}`);
    },
    scrollback: async () => (await tmux.run('capture-pane', '-p', '-S', '-')).trimEnd(),
    resize: async (width, height) => {
      await tmux.run('resize-window', '-x', String(width), '-y', String(height));
    },
    record: async () => {
      const file = join(tempDir(), 'written');
      writeFileSync(file, '');
      await tmux.run('pipe-pane', `cat >> ${quote(file)}`);
      return async (text) => {
        const found = await watch(async () => {
          const written = await readFile(file, 'utf8');
          return written.includes(text) ? written : undefined;
        });
        if (found !== undefined) return found;
        throw new Error(`${JSON.stringify(text)} was never written to the terminal`);
      };
    },
  };
};

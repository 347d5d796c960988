import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cleanEnv, newDir, ownData, RXCHAT } from './child.js';
import { atEnd } from './endings.js';
import { HANG } from './said.js';

const exec = promisify(execFile);

/** A terminal, and somebody in front of it. */
export interface Terminal {
  /** Types characters, as they are. */
  type(text: string): Promise<void>;
  /** Presses a key by its name in tmux: `Enter`, `C-c`, `Left`. */
  press(...keys: readonly string[]): Promise<void>;
  /** Pastes a text as a terminal does: between marks, where they were asked for. */
  paste(text: string): Promise<void>;
  /** Where the cursor is in the scrollback, from 0. */
  cursor(): Promise<string>;
  /** What the screen shows, without what is blank at its end. */
  screen(): Promise<string>;
  /** The same with the sequences that colour it. */
  colours(): Promise<string>;
  /** Resolves with the screen, seen in that way, once it shows this. A screen may be looked at while it is drawn. */
  shows(pattern: RegExp, seen?: (screen: string) => string): Promise<string>;
  /** The same, and what has gone off its top before. */
  scrollback(): Promise<string>;
  /** Changes its size, in characters. */
  resize(columns: number, rows: number): Promise<void>;
  /** From now on keeps what is written to it, byte for byte; resolves with how to read that, once it holds a text. */
  record(): Promise<(text: string) => Promise<string>>;
}

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  /** Who sits there; the one person of the whole test, where nothing is said. */
  readonly data?: string;
  /** A program, and its arguments, that runs the command: the words behind them. */
  readonly by?: readonly string[];
  /** Where it keeps its state; a new place, where nothing is said. */
  readonly state?: string;
  /** More environment, for the command alone. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Whether there is a tmux on this machine. */
export const hasTmux = (): Promise<boolean> =>
  exec('tmux', ['-V']).then(
    () => true,
    () => false,
  );

/** What runs in a shell. */
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

let servers = 0;

/** Runs the built command in a terminal of its own; when it has ended, the screen shows `exit` and its code. */
export const openTerminal = async (
  args: readonly string[],
  {
    columns = 40,
    rows = 15,
    data = ownData(),
    by = [],
    state = newDir(),
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
  const tmux = async (...command: readonly string[]): Promise<string> =>
    (await exec('tmux', ['-L', server, '-f', '/dev/null', ...command], { env })).stdout;
  const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
  const variables = Object.entries(more).map(([name, value]) => `${name}=${value}`);
  const command = ['env', ...variables, ...by, process.execPath, RXCHAT, ...args].map(quote).join(' ');

  // `cat` keeps the screen after the command has ended.
  await tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), `${command}; echo exit $?; cat`);
  const shell = (await tmux('display-message', '-p', '#{pane_pid}')).trim();
  atEnd(async () => {
    const children = await childrenOf(shell);
    await tmux('kill-server').catch(() => undefined);
    // What they still write at their end goes into directories that are about to be removed.
    while (children.some(isRunning)) await setTimeout(20);
  });

  const screen = async () => (await tmux('capture-pane', '-p')).trimEnd();
  return {
    type: async (text) => {
      await tmux('send-keys', '-l', '--', text);
    },
    press: async (...keys) => {
      await tmux('send-keys', ...keys);
    },
    paste: async (text) => {
      await tmux('set-buffer', '--', text);
      await tmux('paste-buffer', '-p');
    },
    cursor: async () =>
      (
        await tmux('display-message', '-p', 'row #{e|+:#{history_size},#{cursor_y}}, column #{cursor_x}')
      ).trim(),
    screen,
    colours: async () => (await tmux('capture-pane', '-e', '-p')).trimEnd(),
    shows: async (pattern, seen = (each) => each) => {
      // Each look is a process of its own, so that this is no busy loop.
      for (const began = performance.now(); performance.now() - began < HANG;) {
        const shown = seen(await screen());
        if (pattern.test(shown)) return shown;
      }
      throw new Error(`the terminal does not show ${String(pattern)} but:\n${await screen()}`);
    },
    scrollback: async () => (await tmux('capture-pane', '-p', '-S', '-')).trimEnd(),
    resize: async (width, height) => {
      await tmux('resize-window', '-x', String(width), '-y', String(height));
    },
    record: async () => {
      const file = join(newDir(), 'written');
      writeFileSync(file, '');
      await tmux('pipe-pane', `cat >> ${quote(file)}`);
      return async (text) => {
        for (const began = performance.now(); performance.now() - began < HANG; await screen()) {
          const written = readFileSync(file, 'utf8');
          if (written.includes(text)) return written;
        }
        throw new Error(`${JSON.stringify(text)} was never written to the terminal`);
      };
    },
  };
};

import { execFileSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';

const COLUMNS = 120;
const ROWS = 30;
/** How long, in ms, a screen must stay the same to count as complete. */
const STABLE_MS = 1500;

/** Resolves with the first result of `look` that is truthy. Rejects after `timeoutMs`. */
export const until = async (look, timeoutMs) => {
  for (const began = performance.now(); performance.now() - began < timeoutMs; await wait(50)) {
    const found = look();
    if (found) return found;
  }
  throw new Error(`${timeoutMs} ms passed without ${String(look)}`);
};

/** Whether tmux is installed. */
export const hasTmux = () => {
  try {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Opens terminals of a tmux server of its own, each of which runs a command line. */
export const openTerminals = ({ cwd, timeoutMs }) => {
  const server = `rxchat-sessions-${process.pid}`;
  const tmux = (env, ...args) =>
    execFileSync('tmux', ['-L', server, '-f', '/dev/null', ...args], { cwd, env, encoding: 'utf8' });
  const names = [];
  let env;

  const open = (name, line, personEnv, columns = COLUMNS) => {
    env ??= personEnv;
    const variables = Object.entries(personEnv).flatMap(([key, value]) => ['-e', `${key}=${value}`]);
    // The terminal stays when the command has ended.
    const command = `${line}; exec sleep 1000`;
    tmux(
      env,
      'new-session',
      '-d',
      '-s',
      name,
      '-x',
      String(columns),
      '-y',
      String(ROWS),
      ...variables,
      command,
    );
    names.push(name);
    const screen = () => tmux(env, 'capture-pane', '-p', '-t', name).trimEnd();
    let last = '';
    let since = 0;
    return {
      shows: (text) =>
        until(() => screen().includes(text), timeoutMs).catch(() => {
          throw new Error(`the screen of ${name} does not show “${text}”:\n${screen()}`);
        }),
      enter: (text) => {
        tmux(env, 'send-keys', '-t', name, '-l', '--', text);
        tmux(env, 'send-keys', '-t', name, 'Enter');
      },
      /**
       * Resolves with the screen: once it is `expected`, or if nothing is expected, once it has stopped changing. After
       * the time limit it resolves with the screen as it is.
       */
      record: async (toText, expected) => {
        const isComplete = () => {
          const now = toText(`$ ${line}\n${screen()}\n`);
          if (now !== last) [last, since] = [now, performance.now()];
          return expected === undefined ? performance.now() - since > STABLE_MS : now === expected;
        };
        await until(isComplete, timeoutMs).catch(() => undefined);
        return last;
      },
    };
  };
  return {
    open,
    /** Ends the chats, so that none of them writes any more, and closes the terminals. */
    close: async () => {
      if (env === undefined) return;
      try {
        for (const name of names) {
          const isOver = () =>
            tmux(env, 'display-message', '-p', '-t', name, '#{pane_current_command}').trim() === 'sleep';
          if (!isOver()) tmux(env, 'send-keys', '-t', name, '/quit', 'Enter');
          await until(isOver, timeoutMs);
        }
      } finally {
        tmux(env, 'kill-server');
      }
    },
  };
};

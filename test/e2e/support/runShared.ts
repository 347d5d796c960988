import { afterAll } from '@jest/globals';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type ChildOptions, childEnv, cleanEnv, type RunResult } from './child.js';
import { HANG_MS } from './streamOutput.js';

const HOST = fileURLToPath(new URL('commandHost.mjs', import.meta.url));

let host: ChildProcess | undefined;
let last: Promise<unknown> = Promise.resolve();

const close = (): void => {
  host?.kill('SIGKILL');
  host = undefined;
};
afterAll(close);

/**
 * Runs the built command until it exits, with empty standard input by default. All such runs of a test file share a
 * process, one at a time.
 *
 * For tests of what a command does and prints. Use `run` for processes, signals, pipes and terminals, and if the
 * command reads descriptor 0 itself.
 */
export const runShared = (
  args: readonly string[],
  options: Pick<ChildOptions, 'env' | 'input'> = {},
): Promise<RunResult> => {
  const ran = last.then(() => runAlone(args, options));
  last = ran.catch(() => undefined);
  return ran;
};

const runAlone = async (
  args: readonly string[],
  { env = {}, input = '' }: Pick<ChildOptions, 'env' | 'input'>,
): Promise<RunResult> => {
  host ??= fork(HOST, {
    env: cleanEnv(),
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const reported = new AbortController();
  const { signal } = reported;
  const hang = AbortSignal.timeout(HANG_MS);
  try {
    host.send({ args, env: childEnv(env), input });
    const [answer] = (await Promise.race([
      once(host, 'message', { signal }),
      once(host, 'exit', { signal }).then(([code]) => [{ fault: `it ended its process with ${code}` }]),
      once(hang, 'abort', { signal }).then(() => [{ fault: `it did not end within ${HANG_MS} ms` }]),
    ])) as [RunResult | { readonly fault: string }];
    if ('fault' in answer) throw new Error(`rxchat ${args.join(' ')}: ${answer.fault}`);
    if (/^\s+at /m.test(answer.err)) throw new Error(`it printed a stack trace:\n${answer.err}`);
    return answer;
  } catch (error) {
    close();
    throw error;
  } finally {
    reported.abort();
  }
};

import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Observable } from 'rxjs';
import type { Message } from '../../../streams/index.js';
import { visibleNick } from '../../terminal/visible.js';
import { systemFault } from '../../systemFault.js';
import { withoutSecrets } from '../../withoutSecrets.js';
import { CliError, Exit } from '../exit.js';

/**
 * Runs a command of the shell for a message, which it gets on its standard input and in its environment, and nowhere in
 * its text. Emits once it ended with 0, and completes; a `CliError` where it did not. Unsubscribing ends it.
 */
export const runCommand = (
  command: string,
  input: string,
  message: Message,
  isChanged: boolean,
): Observable<void> =>
  new Observable((subscriber) => {
    const failed = (error: unknown) => {
      subscriber.error(new CliError(Exit.unexpected, `cannot run --exec: ${systemFault(error)}`));
    };
    let child: ChildProcess;
    try {
      child = spawn(command, {
        shell: true,
        stdio: ['pipe', 'inherit', 'inherit'],
        env: { ...withoutSecrets(process.env), ...environment(message, isChanged) },
      });
    } catch (error) {
      // Some faults of the system are thrown, such as a command that is too long; others are events.
      failed(error);
      return undefined;
    }
    child.once('error', failed);
    child.once('close', (code, signal) => {
      if (code === 0) {
        subscriber.next();
        subscriber.complete();
      } else subscriber.error(failure(code, signal, message));
    });
    // A command need not read what it is given, and has no standard input if no more files can be opened.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    return () => {
      if (child.exitCode === null) child.kill();
    };
  });

const environment = (
  { position, index, nick, key, time, old }: Message,
  isChanged: boolean,
): Readonly<Record<string, string>> => ({
  RXCHAT_MESSAGE_POSITION: String(position),
  RXCHAT_MESSAGE_INDEX: String(index),
  RXCHAT_MESSAGE_NICK: visibleNick(nick),
  RXCHAT_MESSAGE_KEY: key,
  RXCHAT_MESSAGE_TIME: new Date(time).toISOString(),
  ...(isChanged && { RXCHAT_MESSAGE_CHANGED: '1' }),
  ...(old === true && { RXCHAT_MESSAGE_OLD: '1' }),
});

const failure = (code: number | null, signal: NodeJS.Signals | null, { position }: Message): CliError => {
  // Ctrl-C reaches both at once.
  if (signal === 'SIGINT') return new CliError(128 + constants.signals.SIGINT, 'interrupted');
  return new CliError(
    Exit.unexpected,
    `--exec ended with ${code ?? signal ?? 'nothing'} for the message at position ${position}`,
    'with --cursor-file it is given that message again; a command that may fail ends with || true',
  );
};

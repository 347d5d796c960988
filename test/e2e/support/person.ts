import { expect } from '@jest/globals';
import { type Child, rxchat, type RunResult, run, tempDir } from './child.js';

const running: Child[] = [];

/** Kills what persons have started and not stopped. */
export const stopPersons = (): void => {
  for (const child of running.splice(0)) child.signal('SIGKILL');
};

/** A person with a home directory of their own. */
export class Person {
  readonly home: string = tempDir();
  readonly nick: string;

  constructor(nick: string) {
    this.nick = nick;
  }

  private args(command: string, flags: readonly string[]): readonly string[] {
    const usesNick = command !== 'invite';
    return [command, ...flags, ...(usesNick && !flags.includes('--nick') ? ['--nick', this.nick] : [])];
  }

  /** Runs a command until it ends. */
  run(command: string, flags: readonly string[], input = ''): Promise<RunResult> {
    return run(this.args(command, flags), { env: { RXCHAT_HOME: this.home }, input });
  }

  /** Starts a command that goes on, with additional environment variables. */
  start(command: string, flags: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
    const child = rxchat(this.args(command, flags), { env: { ...env, RXCHAT_HOME: this.home } });
    running.push(child);
    return child;
  }

  /** Joins a group room and says one line, so that the others know the nick. */
  async enter(invite: string): Promise<void> {
    const entered = await this.run('send', [invite, '--as-member', '-m', `${this.nick} is here`]);
    expect([entered.code, entered.err]).toStrictEqual([0, '']);
  }
}

/** Creates a group room, and returns its invite. */
export const createGroup = async (
  creator: Person,
  { port }: { readonly port: number },
  ...flags: readonly string[]
): Promise<string> => {
  const made = await creator.run('invite', ['--group', '--port', String(port), ...flags]);
  expect([made.code, made.err]).toStrictEqual([0, '']);
  return made.out.trim();
};

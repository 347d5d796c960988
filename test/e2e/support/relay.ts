import { createInvite, formatInvite, type Invite } from '../../../src/index.js';
import { type Child, rxchat } from './child.js';
import { line } from './said.js';

/** A running `rxchat serve`, on a port that it picked itself. */
export interface Relay {
  readonly child: Child;
  readonly port: number;
  /** Resolves once that nick is in. */
  joined(nick: string): Promise<unknown>;
  /** Resolves once that nick is gone. */
  left(nick: string): Promise<unknown>;
}

/** Starts a relay and waits until it listens. */
export const startRelay = async (...flags: readonly string[]): Promise<Relay> => {
  const level = flags.includes('--log-level') ? [] : ['--log-level', 'info'];
  const child = rxchat(['serve', '--port', '0', ...level, ...flags]);
  const [, port] = await child.out.until(({ text }) => /^listening on 127\.0\.0\.1:(\d+)\n$/.exec(text));
  return {
    child,
    port: Number(port),
    joined: (nick) => child.err.until(line(`"nick":"${nick}"`, '"msg":"joined"')),
    left: (nick) => child.err.until(line(`"nick":"${nick}"`, '"msg":"left"')),
  };
};

/** A room, as the library has its invite and as the command takes it. */
export interface Room extends Invite {
  readonly text: string;
}

/** A new room at a relay, or at whatever else listens on that port. */
export const newRoom = (port: number): Room => roomOf(createInvite({ host: '127.0.0.1', port }));

/** The same room by another way. */
export const through = (port: number, { secret }: Room): Room => roomOf({ host: '127.0.0.1', port, secret });

const roomOf = (invite: Invite): Room => ({ ...invite, text: formatInvite(invite) });

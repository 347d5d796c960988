import { createInvite, formatInvite, type Invite } from '../../../src/index.js';
import { type Child, newDir, rxchat } from './child.js';
import { line } from './said.js';

/** A running `rxchat serve`, on a port that it picked itself. */
export interface Relay {
  readonly child: Child;
  readonly port: number;
  /** Resolves once that nick is in. */
  joined(nick: string): Promise<unknown>;
  /** Resolves once that nick is gone. */
  left(nick: string): Promise<unknown>;
  /** Starts it again, on the same port and with the same history; it has to have ended. */
  restart(): Promise<Relay>;
}

/** Starts a relay, with a history of its own, and waits until it listens. */
export const startRelay = (...flags: readonly string[]): Promise<Relay> => relayAt(0, newDir(), flags);

const relayAt = async (wanted: number, state: string, flags: readonly string[]): Promise<Relay> => {
  const level = flags.includes('--log-level') ? [] : ['--log-level', 'info'];
  const child = rxchat(['serve', '--port', String(wanted), ...level, ...flags], {
    env: { XDG_STATE_HOME: state },
  });
  const [, text] = await child.out.until((said) => /^listening on 127\.0\.0\.1:(\d+)\n$/.exec(said.text));
  const port = Number(text);
  return {
    child,
    port,
    joined: (nick) => child.err.until(line(`"nick":"${nick}"`, '"msg":"joined"')),
    left: (nick) => child.err.until(line(`"nick":"${nick}"`, '"msg":"left"')),
    restart: () => relayAt(port, state, flags),
  };
};

/** A room, as the library has its invite and as the command takes it. */
export interface Room extends Invite {
  readonly text: string;
}

/** A new room at a relay, or at whatever else listens on that port. */
export const newRoom = (port: number, pin?: string): Room =>
  roomOf(createInvite({ host: '127.0.0.1', port, pin }));

/** The same room by another way. */
export const through = (port: number, { secret, pin }: Room): Room =>
  roomOf({ host: '127.0.0.1', port, secret, pin });

const roomOf = (invite: Invite): Room => ({ ...invite, text: formatInvite(invite) });

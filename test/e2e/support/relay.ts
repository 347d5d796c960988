import { createInvite, formatInvite, type Invite } from '../../../src/index.js';
import { type Child, newDir, rxchat } from './child.js';
import { type FaultProxy, startFaultProxy } from './faults/faultProxy.js';
import { line } from './said.js';

/** A running `rxchat serve`, and a way there. */
export interface Relay {
  readonly child: Child;
  /** Where to go: a proxy that cuts in two whatever comes at once, or what `RXCHAT_WEATHER` says. */
  readonly port: number;
  /** The port that it picked itself. */
  readonly ownPort: number;
  /** Resolves once that nick is in. */
  joined(nick: string): Promise<unknown>;
  /** Resolves once that nick is gone. */
  left(nick: string): Promise<unknown>;
  /** Starts it again, on the same port and with the same history; it has to have ended. */
  restart(): Promise<Relay>;
}

/**
 * What the way to a relay is like: `ragged`, where nothing else was said; `bytes`, one at a time; `late`, by 50 ms. All are
 * to be the same to whoever uses the commands.
 */
const WEATHER: Readonly<Record<string, (way: FaultProxy) => void>> = {
  ragged: (way) => way.ragged(true),
  bytes: (way) => way.oneByteAtATime(true),
  late: (way) => way.latency(50),
};
const weather = process.env['RXCHAT_WEATHER'] ?? 'ragged';

const wayTo = async (port: number): Promise<number> => {
  const way = await startFaultProxy(port);
  const set = WEATHER[weather];
  if (set === undefined) throw new Error(`RXCHAT_WEATHER is one of ${Object.keys(WEATHER).join(', ')}`);
  set(way);
  return way.port;
};

/** Starts a relay, with a history of its own, and waits until it listens. */
export const startRelay = (...flags: readonly string[]): Promise<Relay> => relayAt(0, newDir(), flags, wayTo);

/** The same without a proxy: for what depends on the very sockets, or on speed. */
export const startNearRelay = (...flags: readonly string[]): Promise<Relay> =>
  relayAt(0, newDir(), flags, (port) => Promise.resolve(port));

const relayAt = async (
  wanted: number,
  state: string,
  flags: readonly string[],
  wayFor: (port: number) => Promise<number>,
): Promise<Relay> => {
  const level = flags.includes('--log-level') ? [] : ['--log-level', 'info'];
  const child = rxchat(['serve', '--port', String(wanted), ...level, ...flags], {
    env: { XDG_STATE_HOME: state },
  });
  const [, text] = await child.out.until((said) => /^listening on 127\.0\.0\.1:(\d+)\n$/.exec(said.text));
  const ownPort = Number(text);
  const port = await wayFor(ownPort);
  return {
    child,
    port,
    ownPort,
    joined: (nick) => child.err.until(line(`"nick":"${nick}"`, '"msg":"joined"')),
    left: (nick) => child.err.until(line(`"nick":"${nick}"`, '"msg":"left"')),
    restart: () => relayAt(ownPort, state, flags, () => Promise.resolve(port)),
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

import { createInvite, formatInvite, type Invite } from '../../../src/index.js';
import { type Child, tempDir, rxchat } from './child.js';
import { type FaultProxy, startFaultProxy } from './faults/faultProxy.js';
import { lineWith } from './streamOutput.js';

/** A running `rxchat serve`, and the port of the proxy in front of it. */
export interface Relay {
  readonly child: Child;
  /** The port for clients: a proxy that splits all data, or does what `RXCHAT_WEATHER` says. */
  readonly port: number;
  /** The port that the relay has chosen. */
  readonly relayPort: number;
  /** Resolves once that nick has joined. */
  joined(nick: string): Promise<unknown>;
  /** Resolves once that nick has left. */
  left(nick: string): Promise<unknown>;
  /** Starts an ended relay again, on the same port and with the same history. `more` flags are added. */
  restart(...more: readonly string[]): Promise<Relay>;
}

/**
 * Link conditions by `RXCHAT_WEATHER`: `ragged` (default) splits chunks, `bytes` sends one byte at a time, `late`
 * adds 50 ms. The commands must behave alike under all of them.
 */
const LINK_CONDITIONS: Readonly<Record<string, (way: FaultProxy) => void>> = {
  ragged: (way) => way.ragged(true),
  bytes: (way) => way.oneByteAtATime(true),
  late: (way) => way.latency(50),
};
const conditions = process.env['RXCHAT_WEATHER'] ?? 'ragged';

const proxyTo = async (port: number): Promise<number> => {
  const way = await startFaultProxy(port);
  const set = LINK_CONDITIONS[conditions];
  if (set === undefined)
    throw new Error(`RXCHAT_WEATHER is one of ${Object.keys(LINK_CONDITIONS).join(', ')}`);
  set(way);
  return way.port;
};

/** Starts a relay with a history of its own, behind a proxy, and waits until it listens. */
export const startRelay = (...flags: readonly string[]): Promise<Relay> =>
  startRelayAt(0, tempDir(), flags, proxyTo);

/** The same without a proxy, for tests that depend on the socket itself or on speed. */
export const startRelayWithoutProxy = (...flags: readonly string[]): Promise<Relay> =>
  startRelayAt(0, tempDir(), flags, (port) => Promise.resolve(port));

const startRelayAt = async (
  wanted: number,
  state: string,
  flags: readonly string[],
  wayFor: (port: number) => Promise<number>,
): Promise<Relay> => {
  const level = flags.includes('--log-level') ? [] : ['--log-level', 'info'];
  const child = rxchat(['serve', '--port', String(wanted), ...level, ...flags], {
    env: { XDG_STATE_HOME: state },
  });
  const [, text] = await child.out.until((output) => /^listening on 127\.0\.0\.1:(\d+)\n$/.exec(output.text));
  const ownPort = Number(text);
  const port = await wayFor(ownPort);
  return {
    child,
    port,
    relayPort: ownPort,
    joined: (nick) => child.err.until(lineWith(`"nick":"${nick}"`, '"msg":"joined"')),
    left: (nick) => child.err.until(lineWith(`"nick":"${nick}"`, '"msg":"left"')),
    restart: (...more) => startRelayAt(ownPort, state, [...flags, ...more], () => Promise.resolve(port)),
  };
};

/** A room: its invite as an object, and as text for the command. */
export interface Room extends Invite {
  readonly text: string;
}

/** Creates a room at a relay, or at another server on that port. */
export const newRoom = (port: number, pin?: string): Room =>
  roomOf(createInvite({ host: '127.0.0.1', port, pin }));

/** Returns the same room through another port. */
export const viaPort = (port: number, { secret, pin }: Room): Room =>
  roomOf({ host: '127.0.0.1', port, secret, pin });

/** Returns the same room with the ports of all its relays. */
export const viaPorts = ([port = 0, ...others]: readonly number[], { secret, pin }: Room): Room =>
  roomOf({
    host: '127.0.0.1',
    port,
    otherRelays: others.map((other) => ({ host: '127.0.0.1', port: other })),
    secret,
    pin,
  });

const roomOf = (invite: Invite): Room => ({ ...invite, text: formatInvite(invite) });

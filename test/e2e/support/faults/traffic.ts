import { type Child, rxchat } from '../child.js';
import { newRoom, type Room, viaPort } from '../relay.js';
import { type DeliveryReport, deliveryReport } from './deliveryReport.js';
import { type FaultProxy, startFaultProxy } from './faultProxy.js';
import { startRestartableRelay, type RestartableRelay } from './restartableRelay.js';
import { outputUntilEnd, listenTo, rawEntries, readBack, repeatedTokens, sendEndMarker } from './readBack.js';

/** A command in a room, and the proxy in front of it. */
export interface Client {
  readonly nick: string;
  readonly child: Child;
  readonly proxy: FaultProxy;
}

/** The processes and links of a run. */
export interface FaultContext {
  readonly relay: RestartableRelay;
  /** The room at the relay itself, without a proxy. */
  readonly room: Room;
  readonly proxies: readonly FaultProxy[];
  readonly senders: readonly Client[];
  readonly listeners: readonly Client[];
  /** Resolves once every listener has received that many lines. */
  readonly waitForLines: (lines: number) => Promise<unknown>;
}

/** What happens while messages are sent. */
export interface TrafficPlan {
  readonly relayFlags?: readonly string[];
  readonly clientFlags?: readonly string[];
  /** Minimum number of lines that each sender sends as fast as it can. More follow slowly until the fault is over. */
  readonly lines?: number;
  /** Sets the conditions of each link before it is used. */
  readonly conditions?: (way: FaultProxy) => void;
  /** Injects the fault while lines are sent, and ends it. */
  readonly fault?: (stage: FaultContext) => Promise<unknown>;
  /** Checks other results, with all entries of the log. Throws if one is wrong. */
  readonly verify?: (stage: FaultContext, entries: readonly string[]) => void;
}

const SENDERS = ['s1', 's2'] as const;
/** The second listener starts at the end of the log when it joins, before any line is sent. */
const LISTENERS = { recorder1: ['--after', '0'], recorder2: [] } as const;

/** Interval in ms at which a sender sends, at first and later; and the maximum number of lines at a time. */
const INITIAL_INTERVAL_MS = 5;
const NEXT_INTERVAL_MS = 50;
const MAX_BURST = 5;

/**
 * Runs real commands and a relay, each command through its own proxy. Two listen, and two send many lines without
 * waiting for receipts. A fault occurs meanwhile. At the end, all lines are counted. A sender that does not exit with
 * 0 is an error.
 */
export const runTraffic = async ({
  relayFlags = [],
  clientFlags = [],
  lines = 600,
  conditions = () => undefined,
  fault = () => Promise.resolve(),
  verify = () => undefined,
}: TrafficPlan): Promise<DeliveryReport> => {
  const relay = await startRestartableRelay(...relayFlags);
  const room = newRoom(relay.port);

  const enter = async (nick: string, run: (room: Room) => Child): Promise<Client> => {
    const way = await startFaultProxy(relay.port);
    conditions(way);
    return { nick, proxy: way, child: run(viaPort(way.port, room)) };
  };
  const listeners = await Promise.all(
    Object.entries(LISTENERS).map(([nick, flags]) =>
      enter(nick, (by) => listenTo(by, nick, ...flags, ...clientFlags)),
    ),
  );
  const senders = await Promise.all(
    SENDERS.map((nick) => enter(nick, ({ text }) => rxchat(['send', text, '--nick', nick, ...clientFlags]))),
  );
  await Promise.all([...listeners, ...senders].map(({ nick }) => relay.joined(nick)));
  const stage: FaultContext = {
    relay,
    room,
    listeners,
    senders,
    proxies: [...listeners, ...senders].map(({ proxy }) => proxy),
    waitForLines: (n) =>
      Promise.all(listeners.map(({ child }) => child.out.until(({ lines }) => lines.length >= n))),
  };

  const over = new AbortController();
  const sentLines = senders.map(({ nick, child }) => sendNumberedLines(child, nick, lines, over.signal));
  await fault(stage).finally(() => over.abort());
  const sent = (await Promise.all(sentLines)).flat();
  for (const { nick, child } of senders) {
    child.endInput();
    const code = await child.exit;
    if (code !== 0) throw new Error(`${nick} ended with ${code}:\n${child.err.text}`);
  }

  await sendEndMarker(room);
  const hearings = await Promise.all(listeners.map(({ child }) => outputUntilEnd(child)));
  const log = await readBack(room);
  const entries = await rawEntries(room);
  verify(stage, entries);
  return deliveryReport({
    sent,
    // The senders exited with 0.
    receipted: sent,
    log,
    repeatedTokens: repeatedTokens(entries),
    listeners: hearings,
  });
};

/**
 * Sends numbered lines, some together and some alone, until the fault is over and at least `lines` are sent. Resolves
 * with them.
 */
const sendNumberedLines = (child: Child, nick: string, lines: number, over: AbortSignal): Promise<string[]> =>
  new Promise((resolve) => {
    const sent: string[] = [];
    const send = () => {
      const count = 1 + (sent.length % MAX_BURST);
      const next = Array.from({ length: count }, (_, k) => `${nick} ${sent.length + k + 1}`);
      sent.push(...next);
      child.writeInput(next.map((each) => `${each}\n`).join(''));
      if (sent.length < lines) setTimeout(send, INITIAL_INTERVAL_MS);
      else if (!over.aborted) setTimeout(send, NEXT_INTERVAL_MS);
      else resolve(sent);
    };
    send();
  });

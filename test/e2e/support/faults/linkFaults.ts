import { stopProcess as stop } from '../child.js';
import type { DeliveryReport } from './deliveryReport.js';
import { type TrafficPlan, type FaultContext, runTraffic } from './traffic.js';

/** A fault, and a way to run it and count its effects on messages. */
export interface Scenario {
  readonly fault: string;
  /** How often the fault occurs in a run (default 1). */
  readonly times?: number;
  /** Runs the fault. Its random choices depend on the seed. */
  readonly run: (seed: number) => Promise<DeliveryReport>;
}

/** Duration of an outage in ms. */
const OUTAGE_MS = 3000;
const waitOutage = () => new Promise<void>((resolve) => void setTimeout(resolve, OUTAGE_MS));

/** Number of lines before the fault, so that many are in transit when it begins, and many follow. */
const LINES_BEFORE = 100;

const HEARTBEAT_MS = 500;

/** Time limit in ms to notice a dead link within two heartbeats and to retry after a short wait, on a slow machine. */
const DETECTION_LIMIT_MS = 10_000;
const SHORT_HEARTBEAT = ['--heartbeat', `${HEARTBEAT_MS}ms`];
const withShortHeartbeat: TrafficPlan = { relayFlags: SHORT_HEARTBEAT, clientFlags: SHORT_HEARTBEAT };

/** Suspends processes during an outage, then resumes them. */
const stopForOutage = async (
  { waitForLines }: FaultContext,
  children: readonly Parameters<typeof stop>[0][],
) => {
  await waitForLines(LINES_BEFORE);
  await Promise.all(children.map(stop));
  await waitOutage();
  for (const child of children) child.signal('SIGCONT');
};

/** Throws unless each client joined once, so that no leave was announced. */
const expectOneJoinEach = ({ senders, listeners }: FaultContext, entries: readonly string[]): void => {
  const came = entries.flatMap((each) => (each.startsWith('+') ? each.slice(1).split(',') : []));
  for (const { nick } of [...senders, ...listeners])
    if (came.filter((each) => each === nick).length !== 1)
      throw new Error(
        `${nick} did not come once:\n${entries.filter((each) => !each.startsWith('g')).join('\n')}`,
      );
};

/** Throws unless clients printed only joins and leaves, each once. */
const expectOnlyPresenceNotes = ({ senders, listeners }: FaultContext): void => {
  for (const { nick, child } of [...senders, ...listeners]) {
    const notes = child.err.lines.flatMap((each) => {
      const [, nicks, verb] = /^rxchat: (\S+(?:, \S+)*) (joined|left)$/.exec(each) ?? [];
      return nicks === undefined ? [each] : nicks.split(', ').map((who) => `${who} ${verb ?? ''}`);
    });
    const unexpected = notes.filter(
      (each, at) => !/ (joined|left)$/.test(each) || notes.indexOf(each) !== at,
    );
    if (unexpected.length > 0) throw new Error(`${nick} printed more than it should:\n${child.err.text}`);
  }
};

/** The grace period in ms: a relay that restarts within it announces no leaves. */
const GRACE_MS = 5000;

const restartNext = (): TrafficPlan => {
  let away = 0;
  return {
    fault: async ({ relay, waitForLines }) => {
      await waitForLines(LINES_BEFORE);
      const began = performance.now();
      await relay.stop();
      await waitOutage();
      await relay.start();
      away = performance.now() - began;
    },
    verify: (stage) => {
      if (away < GRACE_MS) expectOnlyPresenceNotes(stage);
      else
        console.warn(
          `NOT TESTED: this machine took ${away} ms to restart a relay, and clients may report that`,
        );
    },
  };
};

const PLANS: Readonly<Record<string, TrafficPlan>> = {
  'the relay is killed and restarted': {
    fault: async ({ relay, waitForLines }) => {
      await waitForLines(LINES_BEFORE);
      await relay.kill();
      await relay.start();
    },
  },
  'all connections freeze for 3 s, then the relay is killed and restarted': {
    fault: async ({ relay, proxies, waitForLines }) => {
      await waitForLines(LINES_BEFORE);
      for (const way of proxies) way.freeze();
      await waitOutage();
      await relay.kill();
      for (const way of proxies) way.thaw();
      await relay.start();
    },
  },
  'the relay is suspended for 3 s': { fault: (stage) => stopForOutage(stage, [stage.relay.child]) },
  'the relay is suspended for 3 s, longer than two heartbeats': {
    ...withShortHeartbeat,
    fault: (stage) => stopForOutage(stage, [stage.relay.child]),
  },
  'senders are suspended for 3 s': {
    ...withShortHeartbeat,
    fault: (stage) =>
      stopForOutage(
        stage,
        stage.senders.map(({ child }) => child),
      ),
  },
  'listeners are suspended for 3 s': {
    ...withShortHeartbeat,
    fault: (stage) =>
      stopForOutage(
        stage,
        stage.listeners.map(({ child }) => child),
      ),
  },
  'the relay shuts down and restarts': {
    fault: async ({ relay, waitForLines }) => {
      await waitForLines(LINES_BEFORE);
      await relay.stop();
      await relay.start();
    },
    verify: expectOnlyPresenceNotes,
  },
  'the relay shuts down and restarts 3 s later': restartNext(),
  'connections are half open': {
    ...withShortHeartbeat,
    fault: async ({ proxies, waitForLines }) => {
      await waitForLines(LINES_BEFORE);
      for (const way of proxies) way.halfOpen();
      const began = performance.now();
      await Promise.all(proxies.map((way) => way.waitForLinks(2)));
      const took = performance.now() - began;
      if (took > DETECTION_LIMIT_MS)
        throw new Error(`nobody noticed for ${took} ms that the links were dead`);
    },
    verify: expectOneJoinEach,
  },
  'connections are half open, and reconnecting fails until the relay notices': {
    ...withShortHeartbeat,
    fault: async ({ relay, proxies, senders, listeners, waitForLines }) => {
      await waitForLines(LINES_BEFORE);
      for (const way of proxies) way.halfOpen();
      await Promise.all(proxies.map((way) => way.stopListening()));
      const silence = 'the connection is silent';
      await Promise.all([...senders, ...listeners].map(({ nick }) => relay.left(nick, silence)));
      await Promise.all(proxies.map((way) => way.startListening()));
    },
    verify: expectOneJoinEach,
  },
  'connections are reset in the middle of a line, three times': {
    fault: async ({ relay, senders, listeners, waitForLines }) => {
      await waitForLines(LINES_BEFORE);
      for (const [time, way] of (['up', 'down', 'up'] as const).entries()) {
        for (const sender of senders) sender.proxy.cutMidLine(way);
        for (const listener of listeners) listener.proxy.cutMidLine('down');
        await Promise.all([...senders, ...listeners].map(({ nick }) => relay.joined(nick, time + 2)));
      }
    },
  },
  // Few lines, since each waits for all before it. On a slow machine, a heartbeat would be too late behind more.
  'the network delivers one byte at a time': { lines: 50, conditions: (way) => way.oneByteAtATime(true) },
  'the network has 3 s of latency': { lines: 40, conditions: (way) => way.latency(3000) },
  'the network carries 1 kB/s': { lines: 40, conditions: (way) => way.bandwidth(1000) },
};

/** Faults of the links between commands and a relay, and of their processes. */
export const linkFaults: readonly Scenario[] = Object.entries(PLANS).map(([fault, plan]) => ({
  fault,
  run: () => runTraffic(plan),
}));

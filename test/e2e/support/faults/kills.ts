import { viaPort, newRoom } from '../relay.js';
import { type DeliveryReport, deliveryReport } from './deliveryReport.js';
import { startFaultProxy } from './faultProxy.js';
import { startRestartableRelay } from './restartableRelay.js';
import { rawEntries, readBack, repeatedTokens, sendEndMarker } from './readBack.js';
import { startMember, type InProcessMember } from './inProcessMember.js';

/** The senders, and the number of lines that each sends before a kill, one message per line. */
const SENDER_NICKS = ['v1', 'v2', 'v3'] as const;
const LINES = 12;

/** The relay is killed at a receipt, or at most that many ms later. */
const MAX_KILL_DELAY_MS = 8;

/** Returns a generator of numbers in [0, 1) that depend on the seed only (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** Kills a relay many times with SIGKILL while lines are in transit: at the moment of a receipt, or soon after it. */
export const killRelay = async (times: number, seed: number): Promise<DeliveryReport> => {
  const random = seededRandom(seed);
  const relay = await startRestartableRelay();
  const direct = newRoom(relay.port);
  const { port } = await startFaultProxy(relay.port);
  const room = viaPort(port, direct);

  /** Number of receipts until the kill. */
  let left = Infinity;
  let after = 0;
  const kill = () => relay.child.signal('SIGKILL');
  const voices = SENDER_NICKS.map((nick) =>
    startMember(room, nick, ({ type }) => {
      if (type !== 'stored') return;
      left -= 1;
      if (left !== 0) return;
      if (after === 0) kill();
      else setTimeout(kill, after);
    }),
  );
  await Promise.all(voices.map((voice) => voice.until(({ isJoined }) => isJoined)));
  const isAllStored = ({ sent, confirmed }: InProcessMember) => sent.length === confirmed.length;

  for (let time = 0; time < times; time += 1) {
    left = 1 + Math.floor(random() * (SENDER_NICKS.length * LINES - 1));
    after = random() < 0.5 ? 0 : MAX_KILL_DELAY_MS * random();
    for (const voice of voices)
      voice.send(Array.from({ length: LINES }, (_, k) => `${voice.nick} ${voice.sent.length + k + 1}`));
    await relay.child.out.until(({ ended }) => ended);
    await relay.child.exit;
    await relay.start();
    for (const voice of voices) voice.retryNow();
  }
  await Promise.all(voices.map((voice) => voice.until(isAllStored)));

  await sendEndMarker(direct);
  const log = await readBack(direct);
  const entries = await rawEntries(direct);
  await Promise.all(voices.map((voice) => voice.until(({ hasEnded }) => hasEnded)));
  return deliveryReport({
    sent: voices.flatMap(({ sent }) => sent),
    receipted: voices.flatMap(({ confirmed }) => confirmed),
    log,
    repeatedTokens: repeatedTokens(entries),
    listeners: voices.map(({ received }) => received),
  });
};

/** Number of lines that a sender sends before it is killed. */
const PENDING_LINES = 40;

/**
 * Ends many senders, one after the other, at the moment of a receipt or soon after it. A sender then knows which
 * lines are stored, and sends no `BYE`.
 */
export const killSenders = async (times: number, seed: number): Promise<DeliveryReport> => {
  const random = seededRandom(seed);
  const relay = await startRestartableRelay();
  const room = newRoom(relay.port);
  const observer = startMember(room, 'witness');
  const killed: InProcessMember[] = [];

  for (let time = 1; time <= times; time += 1) {
    const way = await startFaultProxy(relay.port);
    let left = 1 + Math.floor(random() * (PENDING_LINES - 1));
    const died = new Promise<void>((resolve) => {
      const voice = startMember(viaPort(way.port, room), `v${time}`, ({ type }) => {
        if (type === 'stored') left -= 1;
        if (left !== 0) return;
        // Its `BYE` is not delivered.
        way.freeze();
        setImmediate(() => {
          voice.leave();
          way.reset();
          resolve();
        });
      });
      killed.push(voice);
    });
    const voice = killed.at(-1);
    await voice?.until(({ isJoined }) => isJoined);
    voice?.send(Array.from({ length: PENDING_LINES }, (_, k) => `v${time} ${k + 1}`));
    await died;
    await relay.left(`v${time}`);
  }

  await sendEndMarker(room);
  await observer.until(({ hasEnded }) => hasEnded);
  const log = await readBack(room);
  return deliveryReport({
    sent: killed.flatMap(({ sent }) => sent),
    receipted: killed.flatMap(({ confirmed }) => confirmed),
    log,
    repeatedTokens: repeatedTokens(await rawEntries(room)),
    listeners: [observer.received],
  });
};

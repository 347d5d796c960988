import { through, newRoom } from '../relay.js';
import { type Account, accountOf } from './account.js';
import { startFaultProxy } from './faultProxy.js';
import { lastingRelay } from './lastingRelay.js';
import { rawEntries, readBack, repeatedTokens, sayTheEnd } from './readBack.js';
import { startVoice, type Voice } from './voice.js';

/** How many talk, and how many lines each says before a kill, one message a line. */
const VOICES = ['v1', 'v2', 'v3'] as const;
const LINES = 12;

/** A kill comes with some receipt, or so many ms later at most. */
const LATEST = 8;

/** Numbers from 0 up to 1 that are the same for the same seed: mulberry32. */
export const randomOf = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/**
 * Kills a relay so many times with SIGKILL, each time while lines are under way that nobody waits for: in the very moment
 * when one of them has its receipt, or soon after it.
 */
export const killed = async (times: number, seed: number): Promise<Account> => {
  const random = randomOf(seed);
  const relay = await lastingRelay();
  const direct = newRoom(relay.port);
  const { port } = await startFaultProxy(relay.port);
  const room = through(port, direct);

  /** How many receipts there are to be until the kill. */
  let left = Infinity;
  let after = 0;
  const kill = () => relay.child.signal('SIGKILL');
  const voices = VOICES.map((nick) =>
    startVoice(room, nick, ({ type }) => {
      if (type !== 'stored') return;
      left -= 1;
      if (left !== 0) return;
      if (after === 0) kill();
      else setTimeout(kill, after);
    }),
  );
  await Promise.all(voices.map((voice) => voice.until(({ isIn }) => isIn)));
  const isAllStored = ({ said, receipted }: Voice) => said.length === receipted.length;

  for (let time = 0; time < times; time += 1) {
    left = 1 + Math.floor(random() * (VOICES.length * LINES - 1));
    after = random() < 0.5 ? 0 : LATEST * random();
    for (const voice of voices)
      voice.say(Array.from({ length: LINES }, (_, k) => `${voice.nick} ${voice.said.length + k + 1}`));
    await relay.child.out.until(({ ended }) => ended);
    await relay.child.exit;
    await relay.start();
    for (const voice of voices) voice.wake();
  }
  await Promise.all(voices.map((voice) => voice.until(isAllStored)));

  await sayTheEnd(direct);
  const log = await readBack(direct);
  const entries = await rawEntries(direct);
  await Promise.all(voices.map((voice) => voice.until(({ isOver }) => isOver)));
  return accountOf({
    sent: voices.flatMap(({ said }) => said),
    receipted: voices.flatMap(({ receipted }) => receipted),
    log,
    repeatedTokens: repeatedTokens(entries),
    listeners: voices.map(({ hearing }) => hearing),
  });
};

/** How many lines somebody says who is about to die. */
const LAST_WORDS = 40;

/**
 * So many senders die one after the other, each in the moment when one of its lines has its receipt, or soon after it: they
 * know what is stored, say nothing more and tell nobody.
 */
export const sendersDie = async (times: number, seed: number): Promise<Account> => {
  const random = randomOf(seed);
  const relay = await lastingRelay();
  const room = newRoom(relay.port);
  const witness = startVoice(room, 'witness');
  const dead: Voice[] = [];

  for (let time = 1; time <= times; time += 1) {
    const way = await startFaultProxy(relay.port);
    let left = 1 + Math.floor(random() * (LAST_WORDS - 1));
    const died = new Promise<void>((resolve) => {
      const voice = startVoice(through(way.port, room), `v${time}`, ({ type }) => {
        if (type === 'stored') left -= 1;
        if (left !== 0) return;
        // Its goodbye does not get through.
        way.freeze();
        setImmediate(() => {
          voice.leave();
          way.reset();
          resolve();
        });
      });
      dead.push(voice);
    });
    const voice = dead.at(-1);
    await voice?.until(({ isIn }) => isIn);
    voice?.say(Array.from({ length: LAST_WORDS }, (_, k) => `v${time} ${k + 1}`));
    await died;
    await relay.left(`v${time}`);
  }

  await sayTheEnd(room);
  await witness.until(({ isOver }) => isOver);
  const log = await readBack(room);
  return accountOf({
    sent: dead.flatMap(({ said }) => said),
    receipted: dead.flatMap(({ receipted }) => receipted),
    log,
    repeatedTokens: repeatedTokens(await rawEntries(room)),
    listeners: [witness.hearing],
  });
};

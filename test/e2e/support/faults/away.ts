import { run } from '../child.js';
import { newRoom, through } from '../relay.js';
import { type Account, accountOf } from './account.js';
import { type FaultProxy, startFaultProxy } from './faultProxy.js';
import { lastingRelay } from './lastingRelay.js';
import {
  hearingOf,
  listenFromTheStart,
  rawEntries,
  readBack,
  repeatedTokens,
  sayTheEnd,
} from './readBack.js';
import { startVoice } from './voice.js';

const MiB = 1024 * 1024;

/** How much is said while somebody is away, in bytes; and how large a line is. */
const BACKLOG = 4 * MiB;
const weight = 'x'.repeat(1000);

/** Somebody's link breaks, and another one cannot be made. */
const leave = async (way: FaultProxy): Promise<void> => {
  await way.refuse();
  way.reset();
};

/** A listener is away while far more is said than the relay keeps in memory. */
export const awayBeyondTheWindow = async (): Promise<Account> => {
  const relay = await lastingRelay('--window', '256KiB');
  const room = newRoom(relay.port);
  const way = await startFaultProxy(relay.port);
  const listener = listenFromTheStart(through(way.port, room), 'ear');
  await relay.joined('ear');

  const sent: string[] = [];
  const say = async (lines: number) => {
    const next = Array.from({ length: lines }, (_, k) => `s1 ${sent.length + k + 1} ${weight}`);
    sent.push(...next);
    const { code, err } = await run(['send', room.text], { input: next.map((each) => `${each}\n`).join('') });
    if (code !== 0) throw new Error(err);
  };
  await say(10);
  await listener.out.until(({ lines }) => lines.length === 10);
  await leave(way);
  await relay.left('ear');
  await say(BACKLOG / weight.length);
  await way.accept();

  await sayTheEnd(room);
  const listeners = [await hearingOf(listener)];
  const log = await readBack(room);
  const tokens = repeatedTokens(await rawEntries(room));
  return accountOf({ sent, receipted: sent, log, repeatedTokens: tokens, listeners });
};

const KEPT = 100;
const SAID = 1000;

/** A listener is away while more entries are said than are kept. It is told which ones it misses, and these alone. */
export const awayBeyondRetention = async (): Promise<Account> => {
  const relay = await lastingRelay('--keep-entries', String(KEPT));
  const room = newRoom(relay.port);
  const way = await startFaultProxy(relay.port);
  const listener = listenFromTheStart(through(way.port, room), 'ear');
  await relay.joined('ear');
  const voice = startVoice(room, 'v1');
  await voice.until(({ isIn }) => isIn);

  const say = async (lines: number) => {
    // One after the other, so that not too much is stored together: what is kept, is kept by whole batches.
    for (let n = 0; n < lines; n += 1) {
      voice.say([`v1 ${voice.said.length + 1}`]);
      await voice.until(({ said, receipted }) => said.length === receipted.length);
    }
  };
  await say(10);
  await listener.out.until(({ lines }) => lines.length === 10);
  await leave(way);
  await relay.left('ear');
  await say(SAID);
  await way.accept();
  await relay.joined('ear', 2);
  await say(10);
  await sayTheEnd(room);
  await voice.until(({ isOver }) => isOver);

  const heard = await hearingOf(listener);
  const missed = (position: number) => heard.holes.some(({ from, to }) => from <= position && position <= to);
  const kept = heard.lines.filter(({ position }) => missed(position));
  if (kept.length > 0) throw new Error('it was told to miss what it has');
  if (heard.lines.length < KEPT) throw new Error(`only ${heard.lines.length} lines are left`);
  return accountOf({
    sent: voice.said,
    receipted: voice.receipted,
    // Who was there all the time has all of it.
    log: voice.hearing,
    repeatedTokens: 0,
    listeners: [heard],
  });
};

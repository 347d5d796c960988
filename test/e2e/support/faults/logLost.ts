import { rmSync } from 'node:fs';
import { rxchat } from '../child.js';
import { newRoom, through } from '../relay.js';
import { line } from '../said.js';
import { type Account, accountOf, total } from './account.js';
import { startFaultProxy } from './faultProxy.js';
import { lastingRelay } from './lastingRelay.js';
import {
  hearingOf,
  listenFromTheStart,
  rawEntries,
  readBack,
  repeatedTokens,
  sayTheEnd,
} from './readBack.js';

const NICK = 's1';
const STEP = 100;

/** How a relay's history is lost between two runs: it has none on disk any more, or does not look at it. */
export const LOSSES = ['an empty directory', '--memory'] as const;

/**
 * A relay is killed and comes back without its history, while some lines of a sender are stored without its knowing, and
 * others have not reached the relay.
 */
export const logLost = async (loss: (typeof LOSSES)[number]): Promise<Account> => {
  const relay = await lastingRelay();
  const room = newRoom(relay.port);
  const way = await startFaultProxy(relay.port);
  const listener = listenFromTheStart(room, 'ear');
  const reader = rxchat(['listen', room.text, '--nick', 'reader']);
  await Promise.all(['ear', 'reader'].map((nick) => relay.joined(nick)));
  const sender = rxchat(['send', through(way.port, room).text, '--nick', NICK]);

  const sent: string[] = [];
  const say = () => {
    const next = Array.from({ length: STEP }, (_, k) => `${NICK} ${sent.length + k + 1}`);
    sent.push(...next);
    sender.feed(next.map((each) => `${each}\n`).join(''));
  };
  const allIsHeard = () =>
    Promise.all([listener, reader].map(({ out }) => out.until(({ lines }) => lines.length >= sent.length)));
  say();
  await allIsHeard();
  way.freeze('down');
  say();
  await allIsHeard();
  way.freeze('up');
  say();

  await relay.kill();
  if (loss === '--memory') await relay.start(loss);
  else {
    rmSync(relay.dir, { recursive: true });
    await relay.start();
  }
  // What was held is gone.
  way.reset();
  way.thaw();
  sender.endInput();
  const code = await sender.exit;
  if (code !== 0) throw new Error(`the sender ended with ${code}:\n${sender.err.text}`);

  await sayTheEnd(room);
  const heard = await hearingOf(listener);
  await reader.err.until(line('the relay has lost its history'));
  const changes = listener.out.lines.filter((each) => each.includes('"type":"log-changed"'));
  if (changes.length !== 1) throw new Error(`the listener was told ${changes.length} times`);
  const log = await readBack(room);
  const tokens = repeatedTokens(await rawEntries(room));
  // The new log has what was pending, at least; who listened has all of both.
  const pending = sent.slice(STEP);
  const inLog = accountOf({ sent, receipted: pending, log, repeatedTokens: tokens, listeners: [] });
  const atListener = accountOf({ sent, receipted: sent, log: heard, repeatedTokens: 0, listeners: [] });
  return total([inLog, { ...atListener, sent: 0 }]);
};

import { run, rxchat } from '../child.js';
import { fakeToken, joinPeer } from '../peer.js';
import { newRoom, through } from '../relay.js';
import { line } from '../said.js';
import { type Account, accountOf } from './account.js';
import { startFaultProxy } from './faultProxy.js';
import type { Disk } from './disks.js';
import { relayStartedBy } from './lastingRelay.js';
import {
  hearing,
  hearingOf,
  listenFromTheStart,
  rawEntries,
  readBack,
  repeatedTokens,
  sayTheEnd,
} from './readBack.js';

const LINES = 800;
const weight = 'x'.repeat(2000);

/** The disk takes nothing more while lines are said, and takes them again after a while. */
export const diskFull = async (disk: Disk): Promise<Account> => {
  const relay = await relayStartedBy(disk.by);
  const [room, other, third] = [newRoom(relay.port), newRoom(relay.port), newRoom(relay.port)];
  const way = await startFaultProxy(relay.port);
  const said = await run(['send', other.text, '-m', 's9 1']);
  if (said.code !== 0) throw new Error(said.err);

  const listener = listenFromTheStart(through(way.port, room), 'ear');
  const sender = rxchat(['send', through(way.port, room).text, '--nick', 's1']);
  const wire = await joinPeer(third, 'wire');
  await Promise.all(['ear', 's1'].map((nick) => relay.joined(nick)));

  const sent = Array.from({ length: LINES }, (_, k) => `s1 ${k + 1} ${weight}`);
  const [first = '', ...others] = sent.map((each) => `${each}\n`);
  sender.feed(first);
  await listener.out.until(({ lines }) => hearing(lines).lines.length === 1);

  await disk.fill(relay);
  sender.feed(others.join(''));
  await relay.child.err.until(line('the store took nothing'));

  // What is small may still find a place; whoever says something is told in the end, on the wire and by `send`.
  const isTold = line('ERR storage ');
  while (!isTold(wire.heard)) {
    const before = wire.heard.lines.length;
    wire.say(fakeToken());
    await wire.heard.until(({ lines }) => lines.length > before);
  }
  await wire.closed;
  const large = `s2 1 ${weight.repeat(15)}`;
  const late = await run(['send', room.text, '-m', large, '--nick', 's2', '--timeout', '3s']);
  expectThat(
    late.code === 7 && /^rxchat: no receipt for 3 s: .*; sent 0 of 1, 1 not confirmed$/m.test(late.err),
    `it ended with ${late.code}, and said: ${late.err}`,
  );

  // Whoever reads goes on, also who comes now, also elsewhere.
  const stored = hearing(listener.out.lines).lines.length;
  for (const [{ text }, count] of [[room, stored] as const, [other, 1] as const]) {
    const reader = await run(['listen', text, '--json', '--after', '0', '-n', String(count)]);
    expectThat(reader.code === 0 && reader.out.split('\n').length === count + 1, reader.err);
  }
  expectThat(listener.running && sender.running, listener.err.text + sender.err.text);

  // A write of lmdb's own that fails harms the process.
  expectThat(!relay.child.err.text.includes('Write error'), relay.child.err.text);

  await disk.free(relay);
  sender.endInput();
  expectThat((await sender.exit) === 0, sender.err.text);
  await sayTheEnd(room);
  const heard = await hearingOf(listener);
  const entries = await rawEntries(room);
  return accountOf({
    sent,
    receipted: sent,
    log: await readBack(room),
    repeatedTokens: repeatedTokens(entries),
    listeners: [heard],
  });
};

const expectThat = (isSo: boolean, otherwise: string): void => {
  if (!isSo) throw new Error(`it is not as it should be:\n${otherwise}`);
};

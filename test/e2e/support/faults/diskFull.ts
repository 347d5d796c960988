import { run, type RunResult, rxchat } from '../child.js';
import { fakeToken, joinRaw } from '../rawClient.js';
import { newRoom, type Room, viaPort } from '../relay.js';
import { lineWith } from '../streamOutput.js';
import { type DeliveryReport, deliveryReport } from './deliveryReport.js';
import { startFaultProxy } from './faultProxy.js';
import type { Disk } from './disks.js';
import { startWrappedRelay } from './restartableRelay.js';
import {
  parseListenOutput,
  outputUntilEnd,
  listenFromStart,
  rawEntries,
  readBack,
  repeatedTokens,
  sendEndMarker,
} from './readBack.js';

const LINES = 800;
const PADDING = 'x'.repeat(2000);

/** Fills the disk while lines are sent, and frees it after a while. */
export const fillDisk = async (disk: Disk): Promise<DeliveryReport> => {
  const relay = await startWrappedRelay(disk.wrapper);
  const [room, other, third] = [newRoom(relay.port), newRoom(relay.port), newRoom(relay.port)];
  const way = await startFaultProxy(relay.port);
  const result = await run(['send', other.text, '-m', 's9 1']);
  if (result.code !== 0) throw new Error(result.err);

  const listener = listenFromStart(viaPort(way.port, room), 'ear');
  const sender = rxchat(['send', viaPort(way.port, room).text, '--nick', 's1']);
  const wire = await joinRaw(third, 'wire');
  await Promise.all(['ear', 's1'].map((nick) => relay.joined(nick)));

  const sent = Array.from({ length: LINES }, (_, k) => `s1 ${k + 1} ${PADDING}`);
  const [first = '', ...others] = sent.map((each) => `${each}\n`);
  sender.writeInput(first);
  await listener.out.until(({ lines }) => parseListenOutput(lines).lines.length === 1);

  await disk.fill(relay);
  sender.writeInput(others.join(''));
  await relay.child.err.until(lineWith('the store failed'));

  // A small batch may still fit. In the end every sender gets an error, on the wire and from `send`.
  const isReported = lineWith('ERR storage ');
  while (!isReported(wire.output)) {
    const before = wire.output.lines.length;
    wire.writeLines(fakeToken());
    await wire.output.until(({ lines }) => lines.length > before);
  }
  await wire.closed;
  const large = `s2 1 ${PADDING.repeat(15)}`;
  const late = await sendUnconfirmed(room, large);
  ensure(
    late.code === 7 && /^rxchat: no receipt for \d+ s: .*; sent 0 of 1, 1 not confirmed$/m.test(late.err),
    `it ended with ${late.code}, and said: ${late.err}`,
  );

  // Readers continue, including new ones and those of other rooms.
  const stored = parseListenOutput(listener.out.lines).lines.length;
  for (const [{ text }, count] of [[room, stored] as const, [other, 1] as const]) {
    const reader = await run(['listen', text, '--json', '--after', '0', '-n', String(count)]);
    ensure(reader.code === 0 && reader.out.split('\n').length === count + 1, reader.err);
  }
  ensure(listener.running && sender.running, listener.err.text + sender.err.text);

  // A failed write of lmdb damages the process.
  ensure(!relay.child.err.text.includes('Write error'), relay.child.err.text);

  await disk.free(relay);
  sender.endInput();
  ensure((await sender.exit) === 0, sender.err.text);
  await sendEndMarker(room);
  const received = await outputUntilEnd(listener);
  const entries = await rawEntries(room);
  return deliveryReport({
    sent,
    receipted: sent,
    log: await readBack(room),
    repeatedTokens: repeatedTokens(entries),
    listeners: [received],
  });
};

/** Sends a message that gets no receipt. If the machine is too slow to send it in time, tries with more time. */
const sendUnconfirmed = async (room: Room, text: string): Promise<RunResult> => {
  for (let seconds = 3; ; seconds *= 4) {
    const ran = await run(['send', room.text, '-m', text, '--nick', 's2', '--timeout', `${seconds}s`]);
    if (ran.code !== 3 || seconds > 100) return ran;
  }
};

const ensure = (isSo: boolean, otherwise: string): void => {
  if (!isSo) throw new Error(`it is not as it should be:\n${otherwise}`);
};

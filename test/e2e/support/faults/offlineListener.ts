import { run } from '../child.js';
import { newRoom, viaPort } from '../relay.js';
import { type DeliveryReport, deliveryReport } from './deliveryReport.js';
import { type FaultProxy, startFaultProxy } from './faultProxy.js';
import { startRestartableRelay } from './restartableRelay.js';
import {
  outputUntilEnd,
  listenFromStart,
  rawEntries,
  readBack,
  repeatedTokens,
  sendEndMarker,
} from './readBack.js';
import { startMember } from './inProcessMember.js';

const MiB = 1024 * 1024;

/** Bytes that are sent while the listener is offline, and the padding of each line. */
const BACKLOG_BYTES = 4 * MiB;
const PADDING = 'x'.repeat(1000);

/** Breaks a link and refuses new ones. */
const disconnect = async (way: FaultProxy): Promise<void> => {
  await way.stopListening();
  way.reset();
};

/** Takes a listener offline while much more is sent than the relay keeps in memory. */
export const offlineBeyondWindow = async (): Promise<DeliveryReport> => {
  const relay = await startRestartableRelay('--window', '256KiB');
  const room = newRoom(relay.port);
  const way = await startFaultProxy(relay.port);
  const listener = listenFromStart(viaPort(way.port, room), 'ear');
  await relay.joined('ear');

  const sent: string[] = [];
  const send = async (lines: number) => {
    const next = Array.from({ length: lines }, (_, k) => `s1 ${sent.length + k + 1} ${PADDING}`);
    sent.push(...next);
    const { code, err } = await run(['send', room.text], { input: next.map((each) => `${each}\n`).join('') });
    if (code !== 0) throw new Error(err);
  };
  await send(10);
  await listener.out.until(({ lines }) => lines.length === 10);
  await disconnect(way);
  await relay.left('ear');
  await send(BACKLOG_BYTES / PADDING.length);
  await way.startListening();

  await sendEndMarker(room);
  const listeners = [await outputUntilEnd(listener)];
  const log = await readBack(room);
  const tokens = repeatedTokens(await rawEntries(room));
  return deliveryReport({ sent, receipted: sent, log, repeatedTokens: tokens, listeners });
};

const RETAINED_ENTRIES = 100;
const SENT_ENTRIES = 1000;

/**
 * Takes a listener offline while more entries are sent than the relay keeps. It must report exactly the missing ones.
 */
export const offlineBeyondRetention = async (): Promise<DeliveryReport> => {
  const relay = await startRestartableRelay('--keep-entries', String(RETAINED_ENTRIES));
  const room = newRoom(relay.port);
  const way = await startFaultProxy(relay.port);
  const listener = listenFromStart(viaPort(way.port, room), 'ear');
  await relay.joined('ear');
  const voice = startMember(room, 'v1');
  await voice.until(({ isJoined }) => isJoined);

  const sendLines = async (lines: number) => {
    // One message at a time, so that batches are small: retention keeps and drops whole batches.
    for (let n = 0; n < lines; n += 1) {
      voice.send([`v1 ${voice.sent.length + 1}`]);
      await voice.until(({ sent, confirmed }) => sent.length === confirmed.length);
    }
  };
  await sendLines(10);
  await listener.out.until(({ lines }) => lines.length === 10);
  await disconnect(way);
  await relay.left('ear');
  await sendLines(SENT_ENTRIES);
  await way.startListening();
  await relay.joined('ear', 2);
  await sendLines(10);
  await sendEndMarker(room);
  await voice.until(({ hasEnded }) => hasEnded);

  const receivedLines = await outputUntilEnd(listener);
  const missed = (position: number) =>
    receivedLines.gaps.some(({ from, to }) => from <= position && position <= to);
  const retained = receivedLines.lines.filter(({ position }) => missed(position));
  if (retained.length > 0) throw new Error('it reported a gap over entries that it has');
  if (receivedLines.lines.length < RETAINED_ENTRIES)
    throw new Error(`only ${receivedLines.lines.length} lines are left`);
  return deliveryReport({
    sent: voice.sent,
    receipted: voice.confirmed,
    // A member who was always online has all entries.
    log: voice.received,
    repeatedTokens: 0,
    listeners: [receivedLines],
  });
};

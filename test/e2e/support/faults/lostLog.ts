import { rmSync } from 'node:fs';
import { rxchat } from '../child.js';
import { newRoom, viaPort } from '../relay.js';
import { lineWith } from '../streamOutput.js';
import { type DeliveryReport, deliveryReport, sumReports } from './deliveryReport.js';
import { startFaultProxy } from './faultProxy.js';
import { startRestartableRelay } from './restartableRelay.js';
import {
  outputUntilEnd,
  listenFromStart,
  rawEntries,
  readBack,
  repeatedTokens,
  sendEndMarker,
} from './readBack.js';

const NICK = 's1';
const BATCH = 100;

/** How a relay loses its history between two runs: its directory is empty, or it starts with `--memory`. */
export const LOG_LOSSES = ['empty directory', '--memory'] as const;

/**
 * Kills a relay and restarts it without its history. Some lines of a sender are stored without a receipt then, and
 * others have not reached the relay.
 */
export const loseLog = async (loss: (typeof LOG_LOSSES)[number]): Promise<DeliveryReport> => {
  const relay = await startRestartableRelay();
  const room = newRoom(relay.port);
  const way = await startFaultProxy(relay.port);
  const listener = listenFromStart(room, 'ear');
  const reader = rxchat(['listen', room.text, '--nick', 'reader']);
  await Promise.all(['ear', 'reader'].map((nick) => relay.joined(nick)));
  const sender = rxchat(['send', viaPort(way.port, room).text, '--nick', NICK]);

  const sent: string[] = [];
  const send = () => {
    const next = Array.from({ length: BATCH }, (_, k) => `${NICK} ${sent.length + k + 1}`);
    sent.push(...next);
    sender.writeInput(next.map((each) => `${each}\n`).join(''));
  };
  const allIsReceived = () =>
    Promise.all([listener, reader].map(({ out }) => out.until(({ lines }) => lines.length >= sent.length)));
  send();
  await allIsReceived();
  way.freeze('down');
  send();
  await allIsReceived();
  way.freeze('up');
  send();

  await relay.kill();
  if (loss === '--memory') await relay.start(loss);
  else {
    rmSync(relay.dir, { recursive: true });
    await relay.start();
  }
  // The lines in the frozen link are lost.
  way.reset();
  way.thaw();
  sender.endInput();
  const code = await sender.exit;
  if (code !== 0) throw new Error(`the sender ended with ${code}:\n${sender.err.text}`);

  await sendEndMarker(room);
  const received = await outputUntilEnd(listener);
  await reader.err.until(lineWith('the relay lost its history'));
  const changes = listener.out.lines.filter((each) => each.includes('"type":"log-changed"'));
  if (changes.length !== 1) throw new Error(`the listener reported ${changes.length} changes of the log`);
  const log = await readBack(room);
  const tokens = repeatedTokens(await rawEntries(room));
  // The new log has at least the pending lines. The listener has the lines of both logs.
  const pending = sent.slice(BATCH);
  const inLog = deliveryReport({ sent, receipted: pending, log, repeatedTokens: tokens, listeners: [] });
  const atListener = deliveryReport({
    sent,
    receipted: sent,
    log: received,
    repeatedTokens: 0,
    listeners: [],
  });
  return sumReports([inLog, { ...atListener, sent: 0 }]);
};

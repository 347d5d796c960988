import { afterEach, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { tempDir, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { allDelivered } from './support/faults/deliveryReport.js';
import { offlineBeyondRetention, offlineBeyondWindow } from './support/faults/offlineListener.js';
import { startFaultProxy } from './support/faults/faultProxy.js';
import { killSpoolingCommand, sendWithoutRelay } from './support/faults/spooledLines.js';
import { LOG_LOSSES, loseLog } from './support/faults/lostLog.js';
import { newRoom, startRelay, viaPort } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { HANG_MS, lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

test('send --spool without a relay keeps its lines encrypted, and the next run with a relay sends them first', async () => {
  expect(await sendWithoutRelay()).toStrictEqual(allDelivered(300));
});

test.each([[['send', '--spool']], [['join']]] as const)(
  '%j keeps its pending lines when it is killed, and the next run sends those that are not stored',
  async (keeper) => {
    expect(await killSpoolingCommand(keeper)).toStrictEqual(allDelivered(400));
  },
);

test('join reports a pending line when it is interrupted, and the next run sends it', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const way = await startFaultProxy(relay.port);
  const state = { XDG_STATE_HOME: tempDir() };
  const args = ['join', viaPort(way.port, room).text, '--nick', 'alice'];
  const joins = rxchat(args, { env: state });
  joins.writeInput('before\n');
  // It has joined: the relay's log of the join does not show that the client knows.
  await joins.out.until(lineWith('alice: before'));
  way.freeze();
  joins.writeInput('pending\n');
  // The line is on disk before it could be lost.
  const retained = () =>
    readdirSync(state.XDG_STATE_HOME, { recursive: true }).some((name) => /\.json$/.test(String(name)));
  for (const began = performance.now(); !retained(); await new Promise((resolve) => setTimeout(resolve, 10)))
    if (performance.now() - began > HANG_MS) throw new Error('it is not kept');
  joins.signal('SIGINT');
  expect(await joins.exit).toBe(130);
  expect(joins.err.text).toContain('rxchat: lines not stored yet: 1; saved, and sent when you join again\n');
  way.thaw();
  const again = await runShared(args, { env: state });
  expect([again.code, again.err]).toStrictEqual([0, '']);
  const { out } = await runShared(['listen', room.text, '--after', '0', '-n', '2']);
  expect(out).toBe('alice: before\nalice: pending\n');
});

test.each(LOG_LOSSES)(
  'clients report a lost history (%s), send what is pending, and print nothing twice',
  async (loss) => {
    expect(await loseLog(loss)).toStrictEqual(allDelivered(300));
  },
);

test('a member that was away reads everything from disk, even with a much smaller memory window', async () => {
  const account = await offlineBeyondWindow();
  expect(account).toStrictEqual(allDelivered(account.sent));
});

test('a member that was away longer than entries are kept gets the exact gap', async () => {
  const account = await offlineBeyondRetention();
  expect(account).toStrictEqual(allDelivered(account.sent, 1));
});

import { afterEach, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { newDir, run, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { allWell } from './support/faults/account.js';
import { awayBeyondRetention, awayBeyondTheWindow } from './support/faults/away.js';
import { startFaultProxy } from './support/faults/faultProxy.js';
import { keeperKilled, noRelayAtAll } from './support/faults/keptLines.js';
import { LOSSES, logLost } from './support/faults/logLost.js';
import { newRoom, startRelay, through } from './support/relay.js';
import { HANG, line } from './support/said.js';

afterEach(endAll);

test('send --spool without a relay keeps its lines, unreadable, and the next one with a relay sends them first', async () => {
  expect(await noRelayAtAll()).toStrictEqual(allWell(300));
});

test.each([[['send', '--spool']], [['join']]] as const)(
  '%j that is killed with pending lines keeps them, and the next one sends those that are not stored',
  async (keeper) => {
    expect(await keeperKilled(keeper)).toStrictEqual(allWell(400));
  },
);

test('join that is interrupted with a line pending says so, and the next one sends it', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const way = await startFaultProxy(relay.port);
  const state = { XDG_STATE_HOME: newDir() };
  const args = ['join', through(way.port, room).text, '--nick', 'alice'];
  const joins = rxchat(args, { env: state });
  joins.feed('before\n');
  // It is in: that the relay has let it in does not say that it knows.
  await joins.out.until(line('alice: before'));
  way.freeze();
  joins.feed('pending\n');
  // It is on the disk before it could be lost.
  const kept = () =>
    readdirSync(state.XDG_STATE_HOME, { recursive: true }).some((name) => /\.json$/.test(String(name)));
  for (const began = performance.now(); !kept(); await new Promise((resolve) => setTimeout(resolve, 10)))
    if (performance.now() - began > HANG) throw new Error('it is not kept');
  joins.signal('SIGINT');
  expect(await joins.exit).toBe(130);
  expect(joins.err.text).toContain(
    'rxchat: lines not stored yet: 1; they are kept and go out when you join again\n',
  );
  way.thaw();
  const again = await run(args, { env: state });
  expect([again.code, again.err]).toStrictEqual([0, '']);
  const { out } = await run(['listen', room.text, '--after', '0', '-n', '2']);
  expect(out).toBe('alice: before\nalice: pending\n');
});

test.each(LOSSES)(
  'a history that is lost (%s): clients say so, what is pending is sent, nothing is shown twice',
  async (loss) => {
    expect(await logLost(loss)).toStrictEqual(allWell(300));
  },
);

test('who was away reads all that was said since, from the disk, in a window far smaller than that', async () => {
  const account = await awayBeyondTheWindow();
  expect(account).toStrictEqual(allWell(account.sent));
});

test('who was away for longer than entries are kept is told the gap, exactly', async () => {
  const account = await awayBeyondRetention();
  expect(account).toStrictEqual(allWell(account.sent, 1));
});

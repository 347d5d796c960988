import { afterEach, expect, test } from '@jest/globals';
import { type Child, stopProcess, residentMemory, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { entriesOf, fakeToken, joinRaw, seal } from './support/rawClient.js';
import { newRoom, startRelay } from './support/relay.js';
import { lineCount, lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const MiB = 1024 * 1024;

/** The memory allowed to a relay besides its windows: code, buffers in use, and garbage. */
const OVERHEAD = 96 * MiB;

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

interface Printed {
  readonly type: string;
  readonly position: number;
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

test('fifty listeners, of which five are stopped for ten seconds, all receive everything, and the others are not delayed', async () => {
  const LISTENERS = 50;
  const STOPPED = 5;
  const WINDOW = 64 * MiB;
  const relay = await startRelay('--window', String(WINDOW));
  const room = newRoom(relay.port);

  // Each message is its number and some padding, so that five sockets fill long before the ten seconds end.
  const weight = 'x'.repeat(20_000);
  const numberOf = (each: string) => String(parseInt((JSON.parse(each) as Printed).text));
  const nicks = range(1, LISTENERS).map((n) => `n${n}`);
  const listeners = nicks.map((nick) =>
    rxchat(['listen', room.text, '--json', '--nick', nick], { mapLine: numberOf }),
  );
  await Promise.all(nicks.map((nick) => relay.joined(nick)));
  const send = rxchat(['send', room.text]);
  const stopped = listeners.slice(0, STOPPED);
  const others = listeners.slice(STOPPED);

  let sent = 0;
  /** Sends a message, waits until the listeners have printed it, and returns the time in ms. */
  const round = async (hearers: readonly Child[]): Promise<number> => {
    const began = performance.now();
    sent += 1;
    send.writeInput(`${sent} ${weight}\n`);
    await Promise.all(hearers.map(({ out }) => out.until(lineCount(sent))));
    return performance.now() - began;
  };

  const before: number[] = [];
  while (before.length < 50) before.push(await round(listeners));
  const resident = residentMemory(relay.child.pid);

  await Promise.all(stopped.map(stopProcess));
  const printed = stopped.map(({ out }) => out.lines.length);
  const meanwhile: number[] = [];
  const until = performance.now() + 10_000;
  while (performance.now() < until) meanwhile.push(await round(others));

  expect(stopped.map(({ out }) => out.lines.length)).toStrictEqual(printed);
  expect(residentMemory(relay.child.pid) - resident).toBeLessThan(WINDOW + OVERHEAD);

  for (const child of stopped) child.signal('SIGCONT');
  await Promise.all(stopped.map(({ out }) => out.until(lineCount(sent))));
  for (const { out } of listeners) expect(out.lines).toStrictEqual(range(1, sent).map(String));

  // What else runs on the machine may have begun meanwhile, and delays all rounds from then on.
  const after: number[] = [];
  while (after.length < 50) after.push(await round(others));
  expect(median(meanwhile)).toBeLessThan(5 * Math.max(median(before), median(after)));
});

test('a listener that fell out of the window gets one gap that accounts for everything missed', async () => {
  const relay = await startRelay('--memory', '--window', '262144');
  const room = newRoom(relay.port);
  const listener = rxchat(['listen', room.text, '--json', '--nick', 'ear']);
  await relay.joined('ear');
  const sender = await joinRaw(room, 'speaker', { after: { log: '*', n: 0 } });
  const send = async (text: string) => {
    const token = seal(sender, text);
    sender.writeLines(token);
    await sender.output.until(({ lines }) => lines.at(-1) === token || lines.includes(token));
  };
  await send('first');
  await listener.out.until(lineCount(1));

  await stopProcess(listener);
  const weight = 'x'.repeat(20_000);
  for (const n of range(1, 600)) await send(`${n} ${weight}`);
  await send('last');
  listener.signal('SIGCONT');
  await listener.out.until(lineWith('"text":"last"'));
  await send('and on');
  await listener.out.until(lineWith('"text":"and on"'));

  const printed = listener.out.lines.map((each) => JSON.parse(each) as Printed);
  const messages = printed.filter(({ type }) => type === 'message').map(({ position }) => position);
  const gaps = printed.filter(({ type }) => type === 'gap');
  expect(gaps).toStrictEqual([
    { v: 1, type: 'gap', room: expect.any(String), from: expect.any(Number), to: expect.any(Number) },
  ]);
  expect(printed.map(({ type }) => type).join(' ')).toMatch(/^(message )+gap( message)+$/);

  // The sender has read everything from position 1 on; announcements are entries as well.
  const isMessage = (position: number) => entriesOf(sender)[position - 1]?.startsWith('g') === true;
  expect(sender.output.text).not.toMatch(/^GAP/m);
  const missing = gaps.flatMap(({ from, to }) => range(from, to)).filter(isMessage);
  expect(missing.length).toBeGreaterThan(0);
  expect([...messages, ...missing].sort((a, b) => a - b)).toStrictEqual(
    range(1, entriesOf(sender).length).filter(isMessage),
  );
});

test('a stopped reader costs the relay its window, not the traffic that it misses', async () => {
  const WINDOW = 16 * MiB;
  // Memory mapped by the store would count as well, and is no cost.
  // The sender is not rate limited either: that would take half a minute.
  const relay = await startRelay('--memory', '--window', String(WINDOW), '--bytes-per-second', '0');
  const room = newRoom(relay.port);
  const stuck = await joinRaw(room, 'stuck');
  stuck.socket.pause();
  const keep = (each: string) => (each.startsWith('g') ? 'g' : each);
  const reader = await joinRaw(room, 'reader', { keep });
  const sender = await joinRaw(room, 'speaker', { keep });

  const before = residentMemory(relay.child.pid);
  const tokens = Array.from({ length: 16 }, () => `${fakeToken(65_000)}\n`).join('');
  const read = () => reader.output.lines.filter((each) => each === 'g').length;
  let most = 0;
  // 2048 lines of 65 kB.
  for (let sent = 16; sent <= 2048; sent += 16) {
    sender.write(tokens);
    await reader.output.until(() => read() >= sent);
    most = Math.max(most, residentMemory(relay.child.pid) - before);
  }
  expect(stuck.socket.destroyed).toBe(false);
  expect(most).toBeLessThan(WINDOW + OVERHEAD);
});

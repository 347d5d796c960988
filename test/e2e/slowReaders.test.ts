import { afterEach, expect, test } from '@jest/globals';
import { type Child, freeze, residentMemory, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { entriesOf, fakeToken, joinPeer, seal } from './support/peer.js';
import { newRoom, startRelay } from './support/relay.js';
import { count, line } from './support/said.js';

afterEach(endAll);

const MiB = 1024 * 1024;

/** What a relay may take beside its rooms' windows: code, buffers under way, and what is not collected yet. */
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

test('fifty listen, five of them are stopped for ten seconds: the others go on, and the five miss nothing', async () => {
  const LISTENERS = 50;
  const STOPPED = 5;
  const WINDOW = 64 * MiB;
  const relay = await startRelay('--window', String(WINDOW));
  const room = newRoom(relay.port);

  // A message is its number and some weight, so that five sockets are full long before the ten seconds are over.
  const weight = 'x'.repeat(20_000);
  const numberOf = (each: string) => String(parseInt((JSON.parse(each) as Printed).text));
  const nicks = range(1, LISTENERS).map((n) => `n${n}`);
  const listeners = nicks.map((nick) =>
    rxchat(['listen', room.text, '--json', '--nick', nick], { keep: numberOf }),
  );
  await Promise.all(nicks.map((nick) => relay.joined(nick)));
  const send = rxchat(['send', room.text]);
  const stopped = listeners.slice(0, STOPPED);
  const others = listeners.slice(STOPPED);

  let said = 0;
  /** Says something and waits until those have printed it; how long that took, in ms. */
  const round = async (hearers: readonly Child[]): Promise<number> => {
    const began = performance.now();
    said += 1;
    send.feed(`${said} ${weight}\n`);
    await Promise.all(hearers.map(({ out }) => out.until(count(said))));
    return performance.now() - began;
  };

  const before: number[] = [];
  while (before.length < 50) before.push(await round(listeners));
  const resident = residentMemory(relay.child.pid);

  await Promise.all(stopped.map(freeze));
  const printed = stopped.map(({ out }) => out.lines.length);
  const meanwhile: number[] = [];
  const until = performance.now() + 10_000;
  while (performance.now() < until) meanwhile.push(await round(others));

  expect(stopped.map(({ out }) => out.lines.length)).toStrictEqual(printed);
  expect(median(meanwhile)).toBeLessThan(5 * median(before));
  expect(residentMemory(relay.child.pid) - resident).toBeLessThan(WINDOW + OVERHEAD);

  for (const child of stopped) child.signal('SIGCONT');
  await Promise.all(stopped.map(({ out }) => out.until(count(said))));
  for (const { out } of listeners) expect(out.lines).toStrictEqual(range(1, said).map(String));
}, 120_000);

test('a listener that fell out of the window gets one gap, and with it everything is accounted for', async () => {
  const relay = await startRelay('--memory', '--window', '262144');
  const room = newRoom(relay.port);
  const listener = rxchat(['listen', room.text, '--json', '--nick', 'ear']);
  await relay.joined('ear');
  const speaker = await joinPeer(room, 'speaker', { after: { log: '*', n: 0 } });
  const say = async (text: string) => {
    const token = seal(speaker, text);
    speaker.say(token);
    await speaker.heard.until(({ lines }) => lines.at(-1) === token || lines.includes(token));
  };
  await say('first');
  await listener.out.until(count(1));

  await freeze(listener);
  const weight = 'x'.repeat(20_000);
  for (const n of range(1, 600)) await say(`${n} ${weight}`);
  await say('last');
  listener.signal('SIGCONT');
  await listener.out.until(line('"text":"last"'));
  await say('and on');
  await listener.out.until(line('"text":"and on"'));

  const printed = listener.out.lines.map((each) => JSON.parse(each) as Printed);
  const messages = printed.filter(({ type }) => type === 'message').map(({ position }) => position);
  const gaps = printed.filter(({ type }) => type === 'gap');
  expect(gaps).toStrictEqual([
    { v: 1, type: 'gap', room: expect.any(String), from: expect.any(Number), to: expect.any(Number) },
  ]);
  expect(printed.map(({ type }) => type).join(' ')).toMatch(/^(message )+gap( message)+$/);

  // The speaker has read everything from position 1 on; announcements are entries as well.
  const isMessage = (position: number) => entriesOf(speaker)[position - 1]?.startsWith('g') === true;
  expect(speaker.heard.text).not.toMatch(/^GAP/m);
  const missing = gaps.flatMap(({ from, to }) => range(from, to)).filter(isMessage);
  expect(missing.length).toBeGreaterThan(0);
  expect([...messages, ...missing].sort((a, b) => a - b)).toStrictEqual(
    range(1, entriesOf(speaker).length).filter(isMessage),
  );
});

test('a reader that has stopped costs the relay its window and not the traffic that it misses', async () => {
  const WINDOW = 16 * MiB;
  // What the store maps into memory would count as well, and is no cost.
  // Nor does it pace the speaker, or this would take so long that peers in the raw, who answer no PING, were thrown out.
  const relay = await startRelay('--memory', '--window', String(WINDOW), '--bytes-per-second', '0');
  const room = newRoom(relay.port);
  const stuck = await joinPeer(room, 'stuck');
  stuck.socket.pause();
  const keep = (each: string) => (each.startsWith('g') ? 'g' : each);
  const reader = await joinPeer(room, 'reader', { keep });
  const speaker = await joinPeer(room, 'speaker', { keep });

  const before = residentMemory(relay.child.pid);
  const tokens = Array.from({ length: 16 }, () => `${fakeToken(65_000)}\n`).join('');
  const read = () => reader.heard.lines.filter((each) => each === 'g').length;
  let most = 0;
  // 2048 lines of 65 kB.
  for (let said = 16; said <= 2048; said += 16) {
    speaker.write(tokens);
    await reader.heard.until(() => read() >= said);
    most = Math.max(most, residentMemory(relay.child.pid) - before);
  }
  expect(stuck.socket.destroyed).toBe(false);
  expect(most).toBeLessThan(WINDOW + OVERHEAD);
});

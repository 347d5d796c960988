import { afterEach, expect, test } from '@jest/globals';
import { rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, startRelay } from './support/relay.js';
import { freePort } from '../support/freePort.js';

afterEach(cleanUp);

const OTHER_ROOM = 'A'.repeat(43);

test.each([
  ['send', []],
  ['send', ['--drop', 'oldest']],
  ['send', ['--block']],
  ['send', ['--tee']],
  ['join', []],
])('%s %j that is refused exits although its standard input stays open', async (command, flags) => {
  const relay = await startRelay('--allow-room', OTHER_ROOM);
  const child = rxchat([command, newRoom(relay.port).text, ...flags]);
  child.writeInput('a line\n');
  expect(await child.exit).toBe(4);
  expect(child.err.text).toContain('room-not-allowed');
});

test.each([
  ['send', []],
  ['send', ['--drop', 'newest']],
  ['join', []],
])('%s %j without a relay exits although its standard input stays open', async (command, flags) => {
  const child = rxchat([command, newRoom(await freePort()).text, ...flags]);
  child.writeInput('a line\n');
  expect(await child.exit).toBe(3);
});

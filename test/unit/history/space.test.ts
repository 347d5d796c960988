import { afterEach, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spaceIn } from '../../../src/history/space.js';

const dir = mkdtempSync(join(tmpdir(), 'rxchat-space-'));
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

test('there is room for a little, and none for more than any disk has; nothing is left behind', () => {
  writeFileSync(join(dir, 'rooms.mdb'), 'x');
  const space = spaceIn(dir);
  expect(() => {
    space.need(1000);
  }).not.toThrow();
  expect(() => {
    space.need(2 ** 52);
  }).toThrow('no space is left on the disk');
  space.close();
  expect(readdirSync(dir)).toStrictEqual(['rooms.mdb']);
});

import { afterEach, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { start } from './support/child.js';
import { cleanUp } from './support/cleanup.js';

afterEach(cleanUp);

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

test('docs/sessions.md and README have what the commands print (npm run sessions rewrites it)', async () => {
  const check = start(process.execPath, [pathOf('scripts/sessions.mjs'), '--check']);
  expect([await check.exit, check.out.text, check.err.text]).toStrictEqual([0, '', '']);
});

test('the screen of join in the docs comes from a real conversation', () => {
  const [, screen] =
    /<!-- screen -->([^]*)<!-- end -->/.exec(readFileSync(pathOf('docs/sessions.md'), 'utf8')) ?? [];
  expect(screen).toContain('rxchat join');
  expect(screen).toMatch(/bob: is anybody here\?[^]*alice: I am, what is it\?/);
});

test('the screens of a removal in the docs are those of three members', () => {
  const [, removal = ''] =
    /<!-- removal -->([^]*)<!-- end -->/.exec(readFileSync(pathOf('docs/sessions.md'), 'utf8')) ?? [];
  const screens = removal.match(/```console\n[^]*?```/g) ?? [];
  expect(screens.map((screen) => /--nick (\w+)/.exec(screen)?.[1])).toStrictEqual(['alice', 'bob', 'carol']);
  expect(screens.map((screen) => /^!! .*/m.exec(screen)?.[0])).toStrictEqual([
    expect.stringMatching(/^!! you removed \?bob; 2 members/),
    '!! ?alice removed you from the room',
    expect.stringMatching(/^!! \?alice removed \?bob; 2 members/),
  ]);
  const cannotRead = screens.map((screen) => screen.includes('bob cannot read this'));
  expect(cannotRead).toStrictEqual([true, false, true]);
});

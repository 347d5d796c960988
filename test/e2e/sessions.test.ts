import { afterEach, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { start } from './support/child.js';
import { cleanUp } from './support/cleanup.js';

afterEach(cleanUp);

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

test('docs/sessions.md and README have what the commands print (npm run sessions writes it anew)', async () => {
  const check = start(process.execPath, [pathOf('scripts/sessions.mjs'), '--check']);
  expect([await check.exit, check.out.text, check.err.text]).toStrictEqual([0, '', '']);
});

test('the screen of join in the docs comes from a real conversation', () => {
  const [, screen] =
    /<!-- screen -->([^]*)<!-- end -->/.exec(readFileSync(pathOf('docs/sessions.md'), 'utf8')) ?? [];
  expect(screen).toContain('rxchat join');
  expect(screen).toMatch(/bob: is anybody here\?[^]*alice: I am, what is it\?/);
});

import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { HANG_MS } from './streamOutput.js';
import type { Terminal } from './tmux.js';

const fileOf = (name: string): URL => new URL(`../golden/${name}.txt`, import.meta.url);

/** Returns the screen in its stored form: every time is 12:34, and the last line has the cursor. */
const normalizedScreen = async (terminal: Terminal): Promise<string> => {
  const screen = await terminal.scrollback();
  return `${screen.replaceAll(/^((?:◌ )?)\d\d:\d\d /gm, '$112:34 ')}\n\ncursor: ${await terminal.cursor()}\n`;
};

/** Returns the screen after a second without changes, to store it. */
const settledScreen = async (terminal: Terminal): Promise<string> => {
  let now = await normalizedScreen(terminal);
  for (let since = performance.now(); performance.now() - since < 1000;) {
    const next = await normalizedScreen(terminal);
    if (next !== now) since = performance.now();
    now = next;
  }
  return now;
};

/**
 * Expects the screen to become exactly the one in `golden/`. With `RXCHAT_GOLDEN=write` it stores the screen once it
 * matches the pattern. Look at the changes before you commit them.
 */
export const expectGolden = async (terminal: Terminal, name: string, pattern: RegExp): Promise<void> => {
  await terminal.waitFor(pattern);
  if (process.env['RXCHAT_GOLDEN'] === 'write') {
    writeFileSync(fileOf(name), await settledScreen(terminal));
    return;
  }
  const golden = readFileSync(fileOf(name), 'utf8');
  let now = await normalizedScreen(terminal);
  for (const began = performance.now(); now !== golden && performance.now() - began < HANG_MS / 2;)
    now = await normalizedScreen(terminal);
  expect(now).toBe(golden);
};

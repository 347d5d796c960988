import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { HANG } from './said.js';
import type { Terminal } from './tmux.js';

const fileOf = (name: string): URL => new URL(`../golden/${name}.txt`, import.meta.url);

/** A screen as it is kept: any minute is 12:34, and the cursor stands below. */
const seen = async (terminal: Terminal): Promise<string> => {
  const screen = await terminal.scrollback();
  return `${screen.replaceAll(/^((?:◌ )?)\d\d:\d\d /gm, '$112:34 ')}\n\ncursor: ${await terminal.cursor()}\n`;
};

/** The screen when nothing has changed for a second: for whoever keeps it. */
const settled = async (terminal: Terminal): Promise<string> => {
  let now = await seen(terminal);
  for (let since = performance.now(); performance.now() - since < 1000;) {
    const next = await seen(terminal);
    if (next !== now) since = performance.now();
    now = next;
  }
  return now;
};

/**
 * Expects the screen to become the one that is kept in `golden/`, exactly. With `RXCHAT_GOLDEN=write` it is kept as it is
 * once it shows a pattern: look at what changed before you commit it.
 */
export const showsGolden = async (terminal: Terminal, name: string, pattern: RegExp): Promise<void> => {
  await terminal.shows(pattern);
  if (process.env['RXCHAT_GOLDEN'] === 'write') {
    writeFileSync(fileOf(name), await settled(terminal));
    return;
  }
  const golden = readFileSync(fileOf(name), 'utf8');
  let now = await seen(terminal);
  for (const began = performance.now(); now !== golden && performance.now() - began < HANG / 4;)
    now = await seen(terminal);
  expect(now).toBe(golden);
};

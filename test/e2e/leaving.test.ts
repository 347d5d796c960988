import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDir, run } from './support/child.js';
import { endAll } from './support/endings.js';
import { startFaultProxy } from './support/faults/faultProxy.js';
import { newRoom, startRelay, through } from './support/relay.js';
import { hasTmux, openTerminal, type Terminal } from './support/tmux.js';

const tmux = await hasTmux();
const inTerminal = tmux ? test : test.skip;

beforeAll(() => {
  if (!tmux)
    console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about leaving by a key');
});
afterEach(endAll);

/** The ways out, by what is typed and pressed. */
const WAYS: readonly [string, string, readonly string[]][] = [
  ['/quit', '/quit', ['Enter']],
  ['Ctrl-D', '', ['C-d']],
  ['Ctrl-C', '', ['C-c', 'C-c']],
];

const KEPT = /^rxchat: lines not stored yet: 2; they are kept and go out when you join again\nexit 7$/m;

/** What is kept in a state directory. */
const kept = (state: string): readonly string[] =>
  readdirSync(state, { recursive: true })
    .map(String)
    .filter((name) => /outbox.*\.json$/.test(name));

const enter = async (terminal: Terminal, text: string) => {
  await terminal.type(text);
  await terminal.press('Enter');
};

describe('who leaves with lines that are not stored', () => {
  inTerminal.each(WAYS)(
    'while the relay is away, by %s: they are kept, that is said, and the next join sends them once',
    async (_name, typed, keys) => {
      const relay = await startRelay();
      const room = newRoom(relay.port);
      const state = newDir();
      const sit = () => openTerminal(['join', room.text, '--nick', 'alice'], { columns: 100, state });
      const alice = await sit();
      await enter(alice, 'before');
      await alice.shows(/^\d\d:\d\d alice: before$/m);
      relay.child.signal('SIGKILL');
      await relay.child.exit;
      await alice.shows(/^alice \(offline .*\)>$/m);
      await enter(alice, 'one');
      await enter(alice, 'two');
      await alice.shows(/^◌ .*alice: two$/m);

      await alice.type(typed);
      await alice.press(...keys);
      await alice.shows(KEPT);
      expect(kept(state)).toHaveLength(1);

      await relay.restart();
      const again = await sit();
      await again.shows(/alice: one\n\d\d:\d\d alice: two\nalice>$/);
      expect(kept(state)).toStrictEqual([]);
      // Once each, in their order and behind what was stored before.
      const { out } = await run(['listen', room.text, '--after', '0', '-n', '3', '--nick', 'ear']);
      expect(out).toBe('alice: before\nalice: one\nalice: two\n');
    },
  );

  inTerminal(
    'while nothing comes from the relay: the receipts are waited for, but not for long',
    async () => {
      const relay = await startRelay();
      const way = await startFaultProxy(relay.port);
      const state = newDir();
      const room = through(way.port, newRoom(relay.port));
      const alice = await openTerminal(['join', room.text, '--nick', 'alice'], { columns: 100, state });
      await alice.shows(/you are in/);
      way.freeze();
      await enter(alice, 'one');
      await enter(alice, 'two');
      await alice.shows(/^◌ .*alice: two$/m);
      await alice.press('C-d');
      await alice.shows(KEPT);
      expect(kept(state)).toHaveLength(1);
    },
  );

  inTerminal('and that cannot be kept is told the truth', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const state = newDir();
    const alice = await openTerminal(['join', room.text, '--nick', 'alice'], { columns: 160, state });
    await alice.shows(/you are in/);
    // Where the directory would be.
    rmSync(join(state, 'rxchat', 'outbox'), { recursive: true });
    writeFileSync(join(state, 'rxchat', 'outbox'), '');
    relay.child.signal('SIGKILL');
    await alice.shows(/^alice \(offline .*\)>$/m);
    await enter(alice, 'one');
    await alice.shows(
      /^rxchat: cannot keep what is not stored yet in .*outbox.*: a part of the path is not a directory$/m,
    );
    await alice.shows(/^◌ .*alice: one$/m);
    await alice.press('C-d');
    await alice.shows(/^rxchat: lines not stored: 1; they could not be kept\nexit 7$/m);
  });

  inTerminal('and what is told at the end stands below them, whatever they do in that turn', async () => {
    const script = join(import.meta.dirname, 'support/lastWords.mjs');
    const terminal = await openTerminal([], { columns: 80, by: [process.execPath, script] });
    await terminal.shows(/^>$/m);
    await terminal.press('C-d');
    expect(await terminal.shows(/exit \d/)).toBe(
      [
        'one is pending',
        'two is kept',
        'rxchat: the last words',
        'rxchat: and why',
        'said after that',
        'exit 0',
      ].join('\n'),
    );
  });
});

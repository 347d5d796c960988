import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir, run } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { startFaultProxy } from './support/faults/faultProxy.js';
import { newRoom, startRelay, viaPort } from './support/relay.js';
import { hasTmux, openTerminal, type Terminal } from './support/tmux.js';

const tmux = await hasTmux();
const inTerminal = tmux ? test : test.skip;

beforeAll(() => {
  if (!tmux)
    console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about leaving by a key');
});
afterEach(cleanUp);

/** The ways to exit, by the text typed and the keys pressed. */
const WAYS: readonly [string, string, readonly string[]][] = [
  ['/quit', '/quit', ['Enter']],
  ['Ctrl-D', '', ['C-d']],
  ['Ctrl-C', '', ['C-c', 'C-c']],
];

const RETAINED = /^rxchat: lines not stored yet: 2; saved, and sent when you join again\nexit 7$/m;

/** Returns the pending lines stored in a state directory. */
const retained = (state: string): readonly string[] =>
  readdirSync(state, { recursive: true })
    .map(String)
    .filter((name) => /outbox.*\.json$/.test(name));

const enter = async (terminal: Terminal, text: string) => {
  await terminal.type(text);
  await terminal.press('Enter');
};

describe('a client that exits with lines that are not stored', () => {
  inTerminal.each(WAYS)(
    'by %s while the relay is away stores them, says so, and the next join sends them once',
    async (_name, typed, keys) => {
      const relay = await startRelay();
      const room = newRoom(relay.port);
      const state = tempDir();
      const join = () => openTerminal(['join', room.text, '--nick', 'alice'], { columns: 100, state });
      const alice = await join();
      await enter(alice, 'before');
      await alice.waitFor(/^\d\d:\d\d alice: before$/m);
      relay.child.signal('SIGKILL');
      await relay.child.exit;
      await alice.waitFor(/^alice \(offline .*\)>$/m);
      await enter(alice, 'one');
      await enter(alice, 'two');
      await alice.waitFor(/^◌ .*alice: two$/m);

      await alice.type(typed);
      await alice.press(...keys);
      await alice.waitFor(RETAINED);
      expect(retained(state)).toHaveLength(1);

      await relay.restart();
      const again = await join();
      await again.waitFor(/alice: one\n\d\d:\d\d alice: two\nalice>$/);
      expect(retained(state)).toStrictEqual([]);
      // Each line once, in order, and after what was stored before.
      const { out } = await run(['listen', room.text, '--after', '0', '-n', '3', '--nick', 'ear']);
      expect(out).toBe('alice: before\nalice: one\nalice: two\n');
    },
  );

  inTerminal('waits for the receipts of a silent relay, but not for long', async () => {
    const relay = await startRelay();
    const way = await startFaultProxy(relay.port);
    const state = tempDir();
    const room = viaPort(way.port, newRoom(relay.port));
    const alice = await openTerminal(['join', room.text, '--nick', 'alice'], { columns: 100, state });
    await alice.waitFor(/you are in/);
    way.freeze();
    await enter(alice, 'one');
    await enter(alice, 'two');
    await alice.waitFor(/^◌ .*alice: two$/m);
    await alice.press('C-d');
    await alice.waitFor(RETAINED);
    expect(retained(state)).toHaveLength(1);
  });

  inTerminal('says that it lost lines when it cannot keep them', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const state = tempDir();
    const alice = await openTerminal(['join', room.text, '--nick', 'alice'], { columns: 160, state });
    await alice.waitFor(/you are in/);
    // A file in place of the directory.
    rmSync(join(state, 'rxchat', 'outbox'), { recursive: true });
    writeFileSync(join(state, 'rxchat', 'outbox'), '');
    relay.child.signal('SIGKILL');
    await alice.waitFor(/^alice \(offline .*\)>$/m);
    await enter(alice, 'one');
    await alice.waitFor(
      /^rxchat: cannot save unstored messages in .*outbox.*: a part of the path is not a directory$/m,
    );
    await alice.waitFor(/^◌ .*alice: one$/m);
    await alice.press('C-d');
    await alice.waitFor(/^rxchat: lines not stored: 1; they could not be saved\nexit 7$/m);
  });

  inTerminal('prints its last message below the lines of others, whatever they do in that tick', async () => {
    const script = join(import.meta.dirname, 'support/lastWords.mjs');
    const terminal = await openTerminal([], { columns: 80, wrapper: [process.execPath, script] });
    await terminal.waitFor(/^>$/m);
    await terminal.press('C-d');
    expect(await terminal.waitFor(/exit \d/)).toBe(
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

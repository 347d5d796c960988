import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Every file of the shell and the core, without its comments. */
const root = fileURLToPath(new URL('../..', import.meta.url));
const sources: [string, string][] = ['src', 'streams'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name): [string, string] => [
      `${folder}/${name}`,
      readFileSync(join(root, folder, name), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, ''),
    ]),
);

const found = (pattern: RegExp): string[] =>
  sources
    .flatMap(([file, code]) => Array.from(code.matchAll(pattern), ([what]) => `${file}: ${what}`))
    .sort();

/**
 * Every mention of standard output, standard error and the terminal, and the reason why it is safe. A new one makes
 * the test fail. Use `writeOut`, `writeError` or `printNote`, which accept only sanitised text, or add the reason
 * here.
 */
const WAYS: Readonly<Record<string, string>> = {
  'src/bin/rxchat.ts: writeSync(1': 'the version of this very program',
  'src/bin/rxchat.ts: writeSync(2': 'one line of its own words',
  'src/cli/commands/join/chat/openTerminalChat.ts: stdout':
    'asks how many colours it has, and writes nothing',
  'src/cli/main.ts: stdout.columns': 'asks, and writes nothing',
  'src/cli/main.ts: stdout.isTTY': 'asks, and writes nothing',
  'src/terminal/notification.ts: stdout.write':
    'the bell; and with --notify one sequence round text that visible has made, without a `;`',
  'src/cli/registry.ts: stdout': 'a word of the help',
  'src/cli/serveFlags.ts: stderr': 'a word of the help',
  'src/terminal/terminalState.ts: stdout.isTTY': 'asks, and writes nothing',
  'src/cli/registry.ts: stderr': 'a word of the help',
  'src/cli/commands/send/progress.ts: stderr': 'asks whether it is a terminal, and writes nothing',
  'src/cli/commands/send/progress.ts: stderr.isTTY': 'the same',
  'src/cli/commands/send/progress.ts: stdout': 'the same',
  'src/cli/commands/send/progress.ts: stdout.isTTY': 'the same',
  'src/cli/commands/completion.ts: /dev/': 'a word of the script that completes',
  'src/cli/process/stdio.ts: stderr.on': 'listens, and writes nothing',
  'src/cli/process/stdio.ts: stdout.listenerCount': 'asks, and writes nothing',
  'src/cli/process/stdio.ts: stdout.on': 'listens, and writes nothing',
  'src/cli/commands/serve/relayLog.ts: pino(':
    'the lines of the log of `serve`, each of which passes escapedJson',
  'src/cli/commands/serve/metrics/processMetrics.ts: /proc/': 'counts descriptors, and writes nothing',
  'src/history/store/lock.ts: /proc/': 'names a directory that is open, and writes no terminal',
  'src/terminal/promptHidden.ts: /dev/': 'opens the terminal to ask there: a question that is Visible',
  'src/terminal/write.ts: /proc/':
    'opens the pipe of standard output to learn that nobody reads it, and writes nothing',
  'src/terminal/screen.ts: stdout': 'tells when its size changes',
  'src/terminal/tty.ts: stdout': 'the terminal itself',
  'src/terminal/tty.ts: stdout.columns': 'asks, and writes nothing',
  'src/terminal/tty.ts: stdout.rows': 'asks, and writes nothing',
  'src/terminal/tty.ts: stdout.write': 'what is drawn, and modes: Visible',
  'src/terminal/write.ts: stderr.isTTY': 'asks, and writes nothing',
  'src/terminal/write.ts: stderr.columns': 'asks how wide it is',
  'src/terminal/write.ts: stderr.write':
    'takes Visible alone: notes, errors, hints, the usage; and how far send is, in a line that it clears',
  'src/terminal/write.ts: stdout.writableLength': 'asks how much waits, and writes nothing',
  'src/terminal/write.ts: stdout.write':
    'takes Visible: messages, JSON, invites, what serve and check say; and with --tee your own input, exactly',
  'src/net/sharedReadBuffer.ts: emitWarning': 'one line of its own words, without anything of others',
};

describe('the ways to the terminal', () => {
  test('are these, and no other', () => {
    const way =
      /\bstd(?:out|err)\b(?:\.\w+)?|\bconsole\b|\bcreateInterface\(|\bpino\(|\bemitWarning\b|\b_rawDebug\b|\/dev\/|\/proc\/|(?:writeSync|writeFileSync|createWriteStream)\((?:[12]\b|'\/)/g;
    expect([...new Set(found(way))]).toStrictEqual(Object.keys(WAYS).sort());
  });

  test('take what one file alone can make', () => {
    const casts = found(/\bas (?:unknown as )?(?:readonly )?SafeText\b/g);
    expect(new Set(casts)).toStrictEqual(new Set(['src/text/sanitize.ts: as SafeText']));
  });

  test('are found where they are', () => {
    expect(found(/\bprintNote\(/g).length).toBeGreaterThan(5);
    expect(sources.length).toBeGreaterThan(80);
  });
});

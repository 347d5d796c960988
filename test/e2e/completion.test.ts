import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DURABILITIES, FERNET_ENGINES, LOG_LEVELS, SHELLS } from '../../src/cli/args/choices.js';
import { allFlags } from '../../src/cli/args/command.js';
import { COMMANDS } from '../../src/cli/registry.js';
import { flagLabel } from '../../src/cli/args/flags.js';
import { start, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { runShared } from './support/runShared.js';

afterEach(cleanUp);

const names = COMMANDS.map(({ name }) => name);
const labels = (name: string): string[] =>
  Object.entries(allFlags(COMMANDS.find((each) => each.name === name)!)).map(([key, flag]) =>
    flagLabel(key, flag),
  );

/** How to ask each shell for the completions at the end of a command line: arguments after its name. */
const ASK: Readonly<
  Record<(typeof SHELLS)[number], (script: string, dir: string, line: string) => string[]>
> = {
  bash: (script, dir, line) => [
    '--noprofile',
    '--norc',
    '-c',
    // The words as bash splits them, at = as well.
    `source "$0"; cd "$1"; [[ $(complete -p rxchat) == *"-F _rxchat"* ]] || exit 9
     read -ra COMP_WORDS <<< "\${2//=/ = }"; [[ $2 == *[\\ ] ]] && COMP_WORDS+=('')
     COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _rxchat; printf '%s\\n' "\${COMPREPLY[@]}"`,
    script,
    dir,
    line,
  ],
  zsh: (script, dir, line) => [
    '-f',
    fileURLToPath(new URL('support/shells/offered.zsh', import.meta.url)),
    script,
    dir,
    line,
    // The cache of zsh's own completions, which takes a second to build.
    `${script}.dump`,
  ],
  fish: (script, dir, line) => [
    '--no-config',
    '-c',
    'source $argv[1]; cd $argv[2]; complete -C $argv[3]',
    script,
    dir,
    line,
  ],
};

const isInstalled = (shell: string): boolean => {
  try {
    execFileSync(shell, ['-c', 'exit 0']);
    return true;
  } catch {
    return false;
  }
};

describe.each(SHELLS)('completion in %s', (shell) => {
  const home = mkdtempSync(join(tmpdir(), 'rxchat-'));
  const script = join(home, 'completions');
  let installed = false;
  beforeAll(async () => {
    installed = isInstalled(shell);
    if (!installed) console.warn(`NOT TESTED: there is no ${shell} on this machine`);
    const { code, out, err } = await runShared(['completion', shell]);
    expect([code, err]).toStrictEqual([0, '']);
    writeFileSync(script, out);
  });
  afterAll(() => rmSync(home, { recursive: true }));

  /** Returns the completions without descriptions, in a directory with a file and a directory. */
  const offered = async (line: string): Promise<string[]> => {
    const dir = tempDir();
    const here = join(dir, 'here');
    mkdirSync(join(here, 'a room'), { recursive: true });
    writeFileSync(join(here, 'a key.txt'), '');
    const child = start(shell, ASK[shell](script, here, line), {
      env: { HOME: dir, TERM: 'xterm' },
      input: '',
    });
    expect([await child.exit, child.err.text]).toStrictEqual([0, '']);
    return child.out.lines
      .map((each) => each.replace(/\t.*/, '').replaceAll('\\ ', ' '))
      .filter((each) => each !== '');
  };

  test.each<[string, string, string[]]>([
    ['the commands', 'rxchat ', names],
    ['a partial command', 'rxchat se', ['serve', 'send']],
    ['the shells', 'rxchat completion ', [...SHELLS]],
    ['the words of a flag', 'rxchat serve --durability ', [...DURABILITIES]],
    ['a partial word', 'rxchat serve --log-level s', ['silent']],
    ['after other flags', 'rxchat listen --json --fernet-engine ', [...FERNET_ENGINES]],
    ['files', 'rxchat send --invite-file a', ['a key.txt', 'a room']],
    ['only directories', 'rxchat serve --data a', ['a room']],
    ['directories for an argument', 'rxchat backup a', ['a room']],
    ['nothing for a number', 'rxchat serve --port ', []],
    ['nothing for an unknown command', 'rxchat frobnicate ', []],
    ['a partial flag', 'rxchat listen --no-r', ['--no-retry']],
  ])('offers %s', async (_, line, expected) => {
    if (!installed) return;
    // Only some shells list flags next to arguments, or put a slash after directories.
    const found = (await offered(line))
      .map((each) => each.replace(/[/=]$/, ''))
      .filter((each) => line.includes('--') || !each.startsWith('-'));
    expect(found.toSorted()).toStrictEqual(expected.toSorted());
  });

  test('offers the values of a flag after its =', async () => {
    if (!installed) return;
    const found = await offered('rxchat serve --log-level=');
    expect(found.map((each) => each.replace('--log-level=', '')).toSorted()).toStrictEqual(
      LOG_LEVELS.toSorted(),
    );
  });

  test.each(names)('offers every flag of %s, and no other', async (name) => {
    if (!installed) return;
    const found = (await offered(`rxchat ${name} --`)).map((each) => each.replace(/=$/, ''));
    expect(found.toSorted()).toStrictEqual(labels(name).toSorted());
  });
});

test.each([
  ['without a shell', [], /^rxchat: no shell given\nrxchat: hint: give one of bash, zsh, fish\n$/],
  ['for an unknown shell', ['tcsh'], /^rxchat: no completions for that shell\n.*bash, zsh/],
])('completion %s exits 2', async (_, args, expected) => {
  const { code, out, err } = await runShared(['completion', ...args]);
  expect([code, out]).toStrictEqual([2, '']);
  expect(err).toMatch(expected);
});

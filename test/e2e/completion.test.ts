import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DURABILITIES, FERNET_ENGINES, LOG_LEVELS, SHELLS } from '../../src/cli/choices.js';
import { COMMANDS, flagsOf } from '../../src/cli/commandTable.js';
import { flagLabel } from '../../src/cli/flags.js';
import { newDir, run, start } from './support/child.js';
import { endAll } from './support/endings.js';

afterEach(endAll);

const names = COMMANDS.map(({ name }) => name);
const labels = (name: string): string[] =>
  Object.entries(flagsOf(COMMANDS.find((each) => each.name === name)!)).map(([key, flag]) =>
    flagLabel(key, flag),
  );

/** How each shell is asked what it offers at the end of a command line: arguments, after its name. */
const ASK: Readonly<
  Record<(typeof SHELLS)[number], (script: string, dir: string, line: string) => string[]>
> = {
  bash: (script, dir, line) => [
    '--noprofile',
    '--norc',
    '-c',
    // The words as bash takes them apart, at = as well.
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

describe.each(SHELLS)('in %s', (shell) => {
  let installed = false;
  beforeAll(() => {
    installed = isInstalled(shell);
    if (!installed) console.warn(`NOT TESTED: there is no ${shell} on this machine`);
  });

  /** What it offers, without descriptions, in a directory with a file and a directory. */
  const offered = async (line: string): Promise<string[]> => {
    const dir = newDir();
    const script = join(dir, 'completions');
    const printed = await run(['completion', shell]);
    expect([printed.code, printed.err]).toStrictEqual([0, '']);
    writeFileSync(script, printed.out);
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
    ['a command that is begun', 'rxchat se', ['serve', 'send']],
    ['the shells', 'rxchat completion ', [...SHELLS]],
    ['the words of a flag', 'rxchat serve --durability ', [...DURABILITIES]],
    ['a word that is begun', 'rxchat serve --log-level s', ['silent']],
    ['after other flags', 'rxchat listen --json --fernet-engine ', [...FERNET_ENGINES]],
    ['files', 'rxchat send --invite-file a', ['a key.txt', 'a room']],
    ['directories alone', 'rxchat serve --data a', ['a room']],
    ['nothing where a number stands', 'rxchat serve --port ', []],
    ['nothing for what it does not know', 'rxchat frobnicate ', []],
    ['a flag that is begun', 'rxchat listen --no-r', ['--no-retry']],
  ])('offers %s', async (_, line, expected) => {
    if (!installed) return;
    // Flags stand beside arguments in some shells only, and directories have a slash in some.
    const found = (await offered(line))
      .map((each) => each.replace(/[/=]$/, ''))
      .filter((each) => line.includes('--') || !each.startsWith('-'));
    expect(found.toSorted()).toStrictEqual(expected.toSorted());
  });

  test('offers the words of a flag behind its =', async () => {
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
  ['without a shell', [], /^rxchat: there is no shell\nrxchat: hint: give one of bash, zsh, fish\n$/],
  [
    'for a shell that it does not know',
    ['tcsh'],
    /^rxchat: there are no completions for that shell\n.*bash, zsh/,
  ],
])('completion %s ends in 2', async (_, args, expected) => {
  const { code, out, err } = await run(['completion', ...args]);
  expect([code, out]).toStrictEqual([2, '']);
  expect(err).toMatch(expected);
});

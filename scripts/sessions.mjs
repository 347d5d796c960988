/**
 * Records sessions of the built command: writes docs/sessions.md, and the excerpt in README. Values that change (keys, ports,
 * times, positions) become words. `--check` writes nothing, and exits with 1 if the files differ from the output; it does not
 * compare the first screen of `join`, and it compares the other screens only if tmux is installed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { excerptRemoval, formatRemoval, recordRemoval } from './sessions/group.mjs';
import { hasTmux, openTerminals, until } from './sessions/terminals.mjs';

const root = resolve(import.meta.dirname, '..');
const isCheck = process.argv.includes('--check');
const dir = mkdtempSync(join(tmpdir(), 'rxchat-sessions-'));
const TIMEOUT_MS = 120_000;
const SCREEN_COLUMNS = 80;

mkdirSync(join(dir, 'bin'));
const command = join(dir, 'bin', 'rxchat');
writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'dist/bin/rxchat.js')}' "$@"\n`);
chmodSync(command, 0o755);

/** The environment of a person with their own home. */
const envOf = (name) => ({
  PATH: `${join(dir, 'bin')}:${process.env.PATH ?? ''}`,
  HOME: dir,
  LANG: 'C.UTF-8',
  TERM: 'xterm-256color',
  RXCHAT_HOME: join(dir, name),
});

let port = '';
/** Replaces values that change by words. */
const withPlaceholders = (text) =>
  (port === '' ? text : text.replaceAll(port, 'PORT'))
    .replaceAll(/\/#[\w-]{43}/g, '/#SECRET')
    .replaceAll(/"room":"[\w-]{43}"/g, '"room":"ROOM"')
    .replaceAll(/(?<![\w-])[\w-]{43}(?![\w-])/g, 'KEY')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/"position":\d+/g, '"position":N')
    .replaceAll(/(?<=someone with the key )[\w-]{8}(?=…)/g, 'KEYSTART')
    .replaceAll(/(?<=1 device \()[^)]*/g, 'HOST')
    // A session can be recorded over midnight.
    .replaceAll(/^── .* ──+\n/gm, '')
    .replaceAll(/(?<=^|\s)\d\d:\d\d(?=\s)/gm, 'HH:MM');

/** Runs a command line in a shell; returns the line and its output as a terminal shows them. */
const runLine = (line, env = envOf('alice')) => {
  const shell = `${line.replaceAll('PORT', port)}\n`;
  const printed = execFileSync('bash', ['-c', `{ ${shell}} 2>&1`], {
    timeout: TIMEOUT_MS,
    cwd: dir,
    env,
    encoding: 'utf8',
  });
  return withPlaceholders(`$ ${line}\n${printed}`);
};

/** Records the screen of a member in the room, once it has stopped changing. */
const recordChat = async (terminals, bob) => {
  const alice = terminals.open(
    'chat',
    'rxchat join --invite-file room.txt --nick alice',
    envOf('alice'),
    SCREEN_COLUMNS,
  );
  await alice.shows('alice>');
  runLine('rxchat send --invite-file room.txt --nick bob -m "is anybody here?"', bob);
  await alice.shows('is anybody here?');
  alice.enter('I am, what is it?');
  await alice.shows('alice: I am, what is it?');
  return alice.record(withPlaceholders);
};

const serve = async (line) => {
  const relay = spawn('bash', ['-c', `exec ${line} 2>&1`], { cwd: dir, env: envOf('relay') });
  let printed = '';
  relay.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
  const ended = new Promise((done) => relay.once('close', done));
  port = await until(
    () => /INVITE\n/.test(printed) && /listening on \S+:(\d+)$/m.exec(printed)?.[1],
    TIMEOUT_MS,
  );
  return {
    recorded: withPlaceholders(`$ ${line}\n${printed}`),
    stop: async () => {
      relay.kill('SIGTERM');
      await ended;
    },
  };
};

/** Runs all sessions; returns the recorded output of each. */
const play = async () => {
  const relay = await serve('rxchat serve --port 0');
  const bob = envOf('bob');
  const terminals = openTerminals({ cwd: dir, timeoutMs: TIMEOUT_MS });
  try {
    const invite = runLine('rxchat invite --port PORT --out room.txt && cat room.txt');
    const pipes = [
      runLine('seq 3 | rxchat send --invite-file room.txt --nick bob', bob),
      runLine('rxchat listen --invite-file room.txt --after 0 -n 3'),
    ].join('');
    const json = [
      runLine('echo "disk is full" | rxchat send --invite-file room.txt --nick bob --json', bob),
      runLine(
        'rxchat listen --invite-file room.txt --json --last 9 --cursor-file here -n 4 2> /dev/null | tail -1',
      ),
      runLine('rxchat send --invite-file room.txt --nick bob -m "disk is empty"', bob),
      runLine('rxchat listen --invite-file room.txt --json --cursor-file here -n 1 2> /dev/null'),
    ].join('');
    const screen = isCheck ? undefined : await recordChat(terminals, bob);
    const removal = hasTmux()
      ? await recordRemoval({
          terminals,
          runLine,
          envOf,
          toText: withPlaceholders,
          expected: isCheck ? recordedRemoval() : undefined,
        })
      : undefined;
    await relay.stop();
    const gone = runLine(
      'seq 100 | rxchat send --invite-file room.txt --nick bob --spool --timeout 1s; echo "exit code $?"',
      bob,
    );
    return { relay: relay.recorded, invite, pipes, json, screen, removal, gone };
  } finally {
    await terminals.close();
    await relay.stop();
  }
};

const block = (text) => `\`\`\`console\n${text}\`\`\``;
const SCREEN = /(?<=<!-- screen -->\n\n)[^]*?(?=\n\n<!-- end -->)/;
const REMOVAL = /(?<=<!-- removal -->\n\n)[^]*?(?=\n\n<!-- end -->)/;
const EXCERPT = /(?<=```text\n)alice[^]*?(?=```)/;
const PIPES = /(?<=<!-- from docs\/sessions.md -->\n\n)[^]*?(?=\n\n<!-- end -->)/;

const page = ({ relay, invite, pipes, json, screen, removal, gone }) => `# Sessions

Output of the commands, recorded by \`npm run sessions\`. Words in capitals replace values that change: ports, secrets,
keys, times, positions, host names.

A relay, in its own terminal:

${block(relay)}

A room. Anyone with its invite can join:

${block(invite)}

Pipes: each line is a message. The first message from a new key is reported on standard error.

${block(pipes)}

For programs: receipts, messages, and a file that saves the read position.

${block(json)}

In the room, as alice sees it on her screen:

<!-- screen -->

${screen}

<!-- end -->

The relay has stopped: unsent lines are counted, and \`--spool\` keeps them for the next run.

${block(gone)}

<!-- removal -->

${removal}

<!-- end -->
`;

const files = { page: join(root, 'docs/sessions.md'), readme: join(root, 'README.md') };
const old = {
  page: readFileSync(files.page, { encoding: 'utf8', flag: 'a+' }),
  readme: readFileSync(files.readme, 'utf8'),
};

/** Returns the screens of the removal in the page, by name. */
function recordedRemoval() {
  const texts = [...(REMOVAL.exec(old.page)?.[0] ?? '').matchAll(/```console\n([^]*?)```/g)].map(
    ([, text]) => text,
  );
  return Object.fromEntries(
    texts.map((text) => [/--nick (\w+)/.exec(text)?.[1], text]).filter(([name]) => name !== undefined),
  );
}

try {
  const played = await play();
  const screen = played.screen === undefined ? (SCREEN.exec(old.page)?.[0] ?? '') : block(played.screen);
  const removal =
    played.removal === undefined
      ? (REMOVAL.exec(old.page)?.[0] ?? '')
      : formatRemoval(
          Object.fromEntries(Object.entries(played.removal).map(([name, text]) => [name, block(text)])),
        );
  const made = {
    page: page({ ...played, screen, removal }),
    readme: old.readme
      .replace(PIPES, () => block(played.invite + played.pipes))
      .replace(EXCERPT, (before) => (played.removal === undefined ? before : excerptRemoval(played.removal))),
  };
  const wrong = Object.keys(files).filter((each) => made[each] !== old[each]);
  if (!isCheck) for (const each of wrong) writeFileSync(files[each], made[each]);
  for (const each of wrong)
    console.log(`${files[each]} ${isCheck ? 'is not what the command prints' : 'is written'}`);
  if (isCheck && wrong.length > 0) {
    console.log(made.page);
    process.exitCode = 1;
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}

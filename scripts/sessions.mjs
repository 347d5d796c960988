/**
 * Records sessions of the built command: writes docs/sessions.md, and the excerpt in README. Values that change (keys, ports,
 * times, positions) become words. `--check` writes nothing, and exits with 1 if the files differ from the output; it does not
 * compare the screen of `join`, which needs tmux.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const root = resolve(import.meta.dirname, '..');
const isCheck = process.argv.includes('--check');
const dir = mkdtempSync(join(tmpdir(), 'rxchat-sessions-'));
const TIMEOUT_MS = 20_000;

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

const until = async (look) => {
  for (const began = performance.now(); performance.now() - began < TIMEOUT_MS; await wait(50)) {
    const found = look();
    if (found) return found;
  }
  throw new Error(`${TIMEOUT_MS} ms passed without ${String(look)}`);
};

/** Records the screen of a member in the room, once it has stopped changing. */
const screenOf = async (line, input) => {
  const server = `rxchat-sessions-${process.pid}`;
  const tmux = (...args) =>
    execFileSync('tmux', ['-L', server, '-f', '/dev/null', ...args], {
      cwd: dir,
      env: envOf('alice'),
      encoding: 'utf8',
    });
  const screen = () => tmux('capture-pane', '-p').trimEnd();
  tmux('new-session', '-d', '-x', '80', '-y', '24', line);
  try {
    let last = '';
    let since = performance.now();
    const shows = (text) =>
      until(() => {
        const now = screen();
        if (now !== last) [last, since] = [now, performance.now()];
        return now.includes(text) && performance.now() - since > 1500 && now;
      });
    return withPlaceholders(
      `$ ${line}\n${await input(shows, (text) => tmux('send-keys', '-l', '--', text), tmux)}\n`,
    );
  } finally {
    tmux('kill-server');
  }
};

const serve = async (line) => {
  const relay = spawn('bash', ['-c', `exec ${line} 2>&1`], { cwd: dir, env: envOf('relay') });
  let printed = '';
  relay.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
  const ended = new Promise((done) => relay.once('close', done));
  port = await until(() => /INVITE\n/.test(printed) && /listening on \S+:(\d+)$/m.exec(printed)?.[1]);
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
    const screen = isCheck
      ? undefined
      : await screenOf('rxchat join --invite-file room.txt --nick alice', async (shows, type, tmux) => {
          await shows('alice');
          runLine('rxchat send --invite-file room.txt --nick bob -m "is anybody here?"', bob);
          await shows('is anybody here?');
          type('I am, what is it?');
          tmux('send-keys', 'Enter');
          return shows('I am, what is it?');
        });
    await relay.stop();
    const gone = runLine(
      'seq 100 | rxchat send --invite-file room.txt --nick bob --spool --timeout 1s; echo "exit code $?"',
      bob,
    );
    return { relay: relay.recorded, invite, pipes, json, screen, gone };
  } finally {
    await relay.stop();
  }
};

const block = (text) => `\`\`\`console\n${text}\`\`\``;
const SCREEN = /(?<=<!-- screen -->\n\n)[^]*?(?=\n\n<!-- end -->)/;
const PIPES = /(?<=<!-- from docs\/sessions.md -->\n\n)[^]*?(?=\n\n<!-- end -->)/;

const page = ({ relay, invite, pipes, json, screen, gone }) => `# Sessions

Output of the commands, recorded by \`npm run sessions\`. Words in capitals replace values that change: ports, secrets,
keys, times, positions.

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
`;

const files = { page: join(root, 'docs/sessions.md'), readme: join(root, 'README.md') };
const old = {
  page: readFileSync(files.page, { encoding: 'utf8', flag: 'a+' }),
  readme: readFileSync(files.readme, 'utf8'),
};

try {
  const played = await play();
  const screen = played.screen === undefined ? (SCREEN.exec(old.page)?.[0] ?? '') : block(played.screen);
  const made = {
    page: page({ ...played, screen }),
    readme: old.readme.replace(PIPES, () => block(played.invite + played.pipes)),
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

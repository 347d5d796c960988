/**
 * Runs a small story with the built command and writes what it printed to docs/sessions.md, and the part of it that README
 * has. What is another each time (keys, ports, times, positions) becomes a word. `--check` writes nothing and ends with 1
 * where the files say something else than the command; the screen of `join`, which needs tmux, is not compared.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const root = resolve(import.meta.dirname, '..');
const isCheck = process.argv.includes('--check');
const dir = mkdtempSync(join(tmpdir(), 'rxchat-sessions-'));
const LONGEST = 20_000;

mkdirSync(join(dir, 'bin'));
const command = join(dir, 'bin', 'rxchat');
writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'dist/bin/rxchat.js')}' "$@"\n`);
chmodSync(command, 0o755);

/** Somebody with a home of their own. */
const envOf = (name) => ({
  PATH: `${join(dir, 'bin')}:${process.env.PATH ?? ''}`,
  HOME: dir,
  LANG: 'C.UTF-8',
  TERM: 'xterm-256color',
  RXCHAT_HOME: join(dir, name),
});

let port = '';
/** What is another each time becomes a word. */
const worded = (text) =>
  (port === '' ? text : text.replaceAll(port, 'PORT'))
    .replaceAll(/\/#[\w-]{43}/g, '/#SECRET')
    .replaceAll(/"room":"[\w-]{43}"/g, '"room":"ROOM"')
    .replaceAll(/(?<![\w-])[\w-]{43}(?![\w-])/g, 'KEY')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/"position":\d+/g, '"position":N')
    .replaceAll(/(?<=^|\s)\d\d:\d\d(?=\s)/gm, 'HH:MM');

/** Runs a line as a shell has it, and gives what stands on the terminal then. */
const typed = (line, env = envOf('alice')) => {
  const shell = `${line.replaceAll('PORT', port)}\n`;
  const printed = execFileSync('bash', ['-c', `{ ${shell}} 2>&1`], {
    timeout: LONGEST,
    cwd: dir,
    env,
    encoding: 'utf8',
  });
  return worded(`$ ${line}\n${printed}`);
};

const until = async (look) => {
  for (const began = performance.now(); performance.now() - began < LONGEST; await wait(50)) {
    const found = look();
    if (found) return found;
  }
  throw new Error(`${LONGEST} ms passed without ${String(look)}`);
};

/** A screen of somebody in the room, as it is once it shows this and does not change any more. */
const screenOf = async (line, say) => {
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
    return worded(`$ ${line}\n${await say(shows, (text) => tmux('send-keys', '-l', '--', text), tmux)}\n`);
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
    shown: worded(`$ ${line}\n${printed}`),
    stop: async () => {
      relay.kill('SIGTERM');
      await ended;
    },
  };
};

/** The story, a block of a terminal each. */
const play = async () => {
  const relay = await serve('rxchat serve --port 0');
  const bob = envOf('bob');
  try {
    const invite = typed('rxchat invite --port PORT --out room.txt && cat room.txt');
    const pipes = [
      typed('seq 3 | rxchat send --invite-file room.txt --nick bob', bob),
      typed('rxchat listen --invite-file room.txt --after 0 -n 3'),
    ].join('');
    const json = [
      typed('echo "disk is full" | rxchat send --invite-file room.txt --nick bob --json', bob),
      typed(
        'rxchat listen --invite-file room.txt --json --last 9 --cursor-file here -n 4 2> /dev/null | tail -1',
      ),
      typed('rxchat send --invite-file room.txt --nick bob -m "disk is empty"', bob),
      typed('rxchat listen --invite-file room.txt --json --cursor-file here -n 1 2> /dev/null'),
    ].join('');
    const screen = isCheck
      ? undefined
      : await screenOf('rxchat join --invite-file room.txt --nick alice', async (shows, type, tmux) => {
          await shows('alice');
          typed('rxchat send --invite-file room.txt --nick bob -m "is anybody here?"', bob);
          await shows('is anybody here?');
          type('I am, what is it?');
          tmux('send-keys', 'Enter');
          return shows('I am, what is it?');
        });
    await relay.stop();
    const gone = typed(
      'seq 100 | rxchat send --invite-file room.txt --nick bob --spool --timeout 1s; echo "exit code $?"',
      bob,
    );
    return { relay: relay.shown, invite, pipes, json, screen, gone };
  } finally {
    await relay.stop();
  }
};

const block = (text) => `\`\`\`console\n${text}\`\`\``;
const SCREEN = /(?<=<!-- screen -->\n\n)[^]*?(?=\n\n<!-- end -->)/;
const PIPES = /(?<=<!-- from docs\/sessions.md -->\n\n)[^]*?(?=\n\n<!-- end -->)/;

const page = ({ relay, invite, pipes, json, screen, gone }) => `# Sessions

What the command prints, as \`npm run sessions\` recorded it. Words in capitals stand for what is another each time:
ports, secrets, keys, times, positions.

A relay, in a terminal of its own:

${block(relay)}

A room. Whoever has its invite is in:

${block(invite)}

Pipes: a line is a message. Who is met for the first time is told, on standard error.

${block(pipes)}

For programs: receipts, messages, and a file that keeps how far one is.

${block(json)}

In the room, as alice has it on her screen:

<!-- screen -->

${screen}

<!-- end -->

The relay is gone: what was not sent is counted, and here kept for the next run with \`--spool\`.

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
    readme: old.readme.replace(PIPES, () => block(played.pipes)),
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

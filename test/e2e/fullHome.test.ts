import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { newDir, run } from './support/child.js';
import { endAll } from './support/endings.js';
import { newRoom, startRelay } from './support/relay.js';
import { hasTmux, openTerminal } from './support/tmux.js';

afterEach(endAll);

/** A home on a disk of its own that only the command sees, with an identity, and then without room for one byte more. */
const FULL = [
  'mount -t tmpfs -o size=128k none "$0" || exit 99',
  'export RXCHAT_HOME="$0"',
  '"$1" "$2" send rxchat://127.0.0.1:1/#AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA -m x 2> /dev/null',
  'test -s "$0/data/identity.pem" || exit 98',
  'dd if=/dev/zero of="$0/large" bs=4096 2> /dev/null',
  'exec "$@"',
].join('; ');

/** A mount that the one who starts it alone sees; root needs no other user's eyes for it. */
const UNSHARE = ['unshare', process.getuid?.() === 0 ? '-m' : '-rm', '--'];
const full = (dir: string) => [...UNSHARE, 'sh', '-c', FULL, dir];

const [, ...check] = [...UNSHARE, 'sh', '-c', 'mount -t tmpfs none /mnt'];
const canMount = await promisify(execFile)(UNSHARE[0] ?? '', check).then(
  () => true,
  () => false,
);
if (!canMount)
  console.warn('NOT TESTED: nothing can be mounted here, so nothing is known about a home that is full');
const onFullDisk = canMount ? test : test.skip;
const inTerminal = canMount && (await hasTmux()) ? test : test.skip;

const says = (text: string, nick: string, message: string) =>
  run(['send', text, '--nick', nick, '-m', message], { env: { RXCHAT_HOME: newDir() } });

onFullDisk('a full home ends neither listen nor send: what cannot be kept is told once', async () => {
  const { text } = newRoom((await startRelay()).port);
  for (const nick of ['bob', 'carol']) expect((await says(text, nick, `of ${nick}`)).code).toBe(0);
  const heard = await run(['listen', text, '--after', '0', '-n', '2'], { by: full(newDir()) });
  expect([heard.code, heard.out]).toStrictEqual([0, 'bob: of bob\ncarol: of carol\n']);
  expect(
    heard.err.match(/cannot write .*known-keys: no space left on device; .* kept in memory/g),
  ).toHaveLength(1);

  const sent = await run(['send', text, '--spool', '-m', 'of me'], { by: full(newDir()) });
  expect(sent.code).toBe(0);
  expect((await run(['listen', text, '--last', '9', '-n', '3'])).out).toContain(': of me\n');
});

onFullDisk(
  'an empty home that is read-only makes somebody of this run alone, and the reason is told',
  async () => {
    const { text } = newRoom((await startRelay()).port);
    const home = newDir();
    const by = [...UNSHARE, 'sh', '-c', 'mount -t tmpfs -o ro none "$0" && exec "$@"', home];
    const options = { by, env: { RXCHAT_HOME: home } };
    const identity = `cannot write ${home}/data/identity.pem: read-only file system; you have a key for this run alone`;
    const sent = await run(['send', text, '--spool', '-m', 'hello', '--nick', 'me'], options);
    expect([sent.code, sent.err]).toStrictEqual([0, expect.stringContaining(identity)]);
    expect(sent.err).toMatch(/cannot keep what is not stored yet in .*: read-only file system$/m);
    const heard = await run(['listen', text, '--last', '9', '-n', '1'], options);
    expect([heard.code, heard.out]).toStrictEqual([0, 'me: hello\n']);
    const joined = await run(['join', text], { ...options, input: 'of me\n' });
    expect([joined.code, joined.err]).toStrictEqual([0, expect.stringContaining(identity)]);
  },
);

inTerminal(
  'nor join: each thing that cannot be kept is told in a line of its own, and the draft stays',
  async () => {
    const relay = await startRelay();
    const { text } = newRoom(relay.port);
    const alice = await openTerminal(['join', text, '--nick', 'alice'], {
      columns: 200,
      rows: 40,
      by: full(newDir()),
      env: { XDG_STATE_HOME: '', XDG_DATA_HOME: '' },
    });
    await alice.shows(/you are in/);
    await alice.type('half a thought');
    await alice.shows(/^alice> half a thought$/m);
    await says(text, 'bob', 'hello');
    await alice.shows(
      /^rxchat: cannot write \S+known-keys: no space left on device; whom you know is kept in memory/m,
    );
    await alice.shows(/^\d\d:\d\d \?bob: hello$(\n.*)*\nalice> half a thought$/m);
    await alice.press('Enter');
    await alice.shows(/^\d\d:\d\d alice: half a thought$/m);
    await says(text, 'carol', 'hello');
    await alice.shows(/\?carol: hello/);
    await alice.type('/verify bob');
    await alice.press('Enter');
    await alice.shows(/\d{5}( \d{5}){11}/);
    await alice.type('/verify bob yes');
    await alice.press('Enter');
    await alice.shows(/^-- bob is verified$/m);
    await alice.type('/edit');
    await alice.press('C-c');
    await alice.press('C-d');
    const screen = await alice.shows(/^exit 0$/m);
    expect(screen.match(/no space left on device/g)?.length).toBeLessThanOrEqual(4);
    expect(screen).not.toMatch(/^(?!rxchat: ).*no space left on device/m);
    expect(screen.match(/known-keys: no space/g)).toHaveLength(1);
  },
);

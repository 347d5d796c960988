import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { tempDir, run } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, startRelay } from './support/relay.js';
import { hasTmux, openTerminal } from './support/tmux.js';

afterEach(cleanUp);

/** A home on a disk of its own visible only to the command, with an identity and no byte free. */
const FULL = [
  'mount -t tmpfs -o size=128k none "$0" || exit 99',
  'export RXCHAT_HOME="$0"',
  '"$1" "$2" send rxchat://127.0.0.1:1/#AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA -m x 2> /dev/null',
  'test -s "$0/data/identity.pem" || exit 98',
  'dd if=/dev/zero of="$0/large" bs=4096 2> /dev/null',
  'exec "$@"',
].join('; ');

/** A mount visible only to the process that creates it; root needs no user namespace for it. */
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

const sends = (text: string, nick: string, message: string) =>
  run(['send', text, '--nick', nick, '-m', message], { env: { RXCHAT_HOME: tempDir() } });

onFullDisk('listen and send continue with a full home, and report once what cannot be stored', async () => {
  const { text } = newRoom((await startRelay()).port);
  for (const nick of ['bob', 'carol']) expect((await sends(text, nick, `of ${nick}`)).code).toBe(0);
  const received = await run(['listen', text, '--after', '0', '-n', '2'], { wrapper: full(tempDir()) });
  expect([received.code, received.out]).toStrictEqual([0, 'bob: of bob\ncarol: of carol\n']);
  expect(
    received.err.match(/cannot write .*known-keys: no space left on device; .* kept in memory/g),
  ).toHaveLength(1);

  const sent = await run(['send', text, '--spool', '-m', 'of me'], { wrapper: full(tempDir()) });
  expect(sent.code).toBe(0);
  expect((await run(['listen', text, '--last', '9', '-n', '3'])).out).toContain(': of me\n');
});

onFullDisk(
  'a read-only empty home gives a temporary identity for one run, and the reason is printed',
  async () => {
    const { text } = newRoom((await startRelay()).port);
    const home = tempDir();
    const wrapper = [...UNSHARE, 'sh', '-c', 'mount -t tmpfs -o ro none "$0" && exec "$@"', home];
    const options = { wrapper, env: { RXCHAT_HOME: home } };
    const identity = `cannot write ${home}/data/identity.pem: read-only file system; this run uses a temporary key, so others see a new person`;
    const sent = await run(['send', text, '--spool', '-m', 'hello', '--nick', 'me'], options);
    expect([sent.code, sent.err]).toStrictEqual([0, expect.stringContaining(identity)]);
    expect(sent.err).toMatch(/cannot save unstored messages in .*: read-only file system$/m);
    const received = await run(['listen', text, '--last', '9', '-n', '1'], options);
    expect([received.code, received.out]).toStrictEqual([0, 'me: hello\n']);
    const joined = await run(['join', text], { ...options, input: 'of me\n' });
    expect([joined.code, joined.err]).toStrictEqual([0, expect.stringContaining(identity)]);
  },
);

inTerminal(
  'join continues with a full home, reports each file that cannot be stored, and keeps the draft',
  async () => {
    const relay = await startRelay();
    const { text } = newRoom(relay.port);
    const alice = await openTerminal(['join', text, '--nick', 'alice'], {
      columns: 200,
      rows: 40,
      wrapper: full(tempDir()),
      env: { XDG_STATE_HOME: '', XDG_DATA_HOME: '' },
    });
    await alice.waitFor(/you are in/);
    await alice.type('half a thought');
    await alice.waitFor(/^alice> half a thought$/m);
    await sends(text, 'bob', 'hello');
    await alice.waitFor(
      /^rxchat: cannot write \S+known-keys: no space left on device; known keys are kept in memory/m,
    );
    await alice.waitFor(/^\d\d:\d\d \?bob: hello$(\n.*)*\nalice> half a thought$/m);
    await alice.press('Enter');
    await alice.waitFor(/^\d\d:\d\d alice: half a thought$/m);
    await sends(text, 'carol', 'hello');
    await alice.waitFor(/\?carol: hello/);
    await alice.type('/verify bob');
    await alice.press('Enter');
    await alice.waitFor(/\d{5}( \d{5}){11}/);
    await alice.type('/verify bob yes');
    await alice.press('Enter');
    await alice.waitFor(/^-- bob is verified$/m);
    await alice.type('/edit');
    await alice.press('C-c');
    await alice.press('C-d');
    const screen = await alice.waitFor(/^exit 0$/m);
    expect(screen.match(/no space left on device/g)?.length).toBeLessThanOrEqual(4);
    expect(screen).not.toMatch(/^(?!rxchat: ).*no space left on device/m);
    expect(screen.match(/known-keys: no space/g)).toHaveLength(1);
  },
);

const FULL_DISK = 'dd if=/dev/zero of="$0/large" bs=4096 2> /dev/null; true';

onFullDisk.each([
  ['full', FULL_DISK, /^rxchat: cannot write \S+\.state: no space left on device; sent 0 of 1.*\n.*hint/],
  ['read-only', 'mount -o remount,ro "$0"', /^rxchat: cannot lock [^\n]+: read-only file system\n.*hint/],
])(
  '33: a member of a group with a %s home sends nothing, and goes on once it can write',
  async (_name, fill, error) => {
    const { port } = await startRelay();
    const [alice, bob] = [tempDir(), tempDir()];
    const as = (home: string) => ({ env: { RXCHAT_HOME: home } });
    const made = await run(['invite', '--group', '--port', String(port)], as(alice));
    const invite = made.out.trim();
    const send = (text: string) => ['send', invite, '--as-member', '--nick', 'bob', '-m', text];
    expect((await run(send('before'), as(bob))).code).toBe(0);

    // A copy of the home of bob, on a disk that only the command sees.
    const script = [
      'mount -t tmpfs -o size=256k,mode=700 none "$0" && cp -a "$1/." "$0/" || exit 99',
      fill,
      'export RXCHAT_HOME="$0"; shift; exec "$@"',
    ].join('; ');
    const failed = await run(send('lost'), { wrapper: [...UNSHARE, 'sh', '-c', script, tempDir(), bob] });
    expect([failed.code, failed.err]).toStrictEqual([5, expect.stringMatching(error)]);

    expect((await run(send('after'), as(bob))).code).toBe(0);
    const received = await run(['listen', invite, '-n', '2'], as(alice));
    expect([received.code, received.out]).toStrictEqual([0, 'bob: before\nbob: after\n']);
  },
);

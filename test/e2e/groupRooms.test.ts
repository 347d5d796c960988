import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { deriveRoomKeys } from '../../src/crypto/nodeKeys.js';
import { parseInvite } from '../../src/index.js';
import { stopProcess } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { createGroup, Person, stopPersons } from './support/person.js';
import { newRoom, type Relay, startRelay } from './support/relay.js';
import { lineWith } from './support/streamOutput.js';

let relay: Relay;
beforeAll(async () => {
  relay = await startRelay();
});
afterAll(cleanUp);
afterEach(stopPersons);

const INVITE = /^rxchat:\/\/127\.0\.0\.1:\d+\/#[\w-]{43},group=[\w-]{43}$/;

const DEVICE_FILES = [join('data', 'device.key'), join('state', 'device-signature.key')];

/** Returns the paths of the files that a person's commands have left. */
const filesOf = ({ home }: Person): readonly string[] =>
  readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(home, join(parentPath, name)))
    .sort();

describe('a group room', () => {
  test('keeps its words, and tells a removed member that it was removed', async () => {
    const [alice, bob, carol, dave] = ['alice', 'bob', 'carol', 'dave'].map((nick) => new Person(nick)) as [
      Person,
      Person,
      Person,
      Person,
    ];
    const invite = await createGroup(alice, relay);
    expect(invite).toMatch(INVITE);
    await alice.enter(invite);
    await bob.enter(invite);
    const listening = bob.start('listen', [invite]);
    const carolListens = carol.start('listen', [invite]);
    await carolListens.err.until(lineWith('you joined with the invite; 3 members'));
    await listening.err.until(lineWith('joined with the invite; 3 members'));

    // Asks first.
    const prompt = await alice.run('remove', ['bob', '--invite-file', fileOf(alice, invite)]);
    expect([prompt.code, prompt.out]).toStrictEqual([2, '']);
    expect(prompt.err).toMatch(/would remove \?bob with 1 device .*not verified\n.*--yes/s);

    const removal = await alice.run('remove', ['bob', '--yes', '--invite-file', fileOf(alice, invite)]);
    expect(removal.code).toBe(0);
    const next = removal.out.trim();
    expect(next).toMatch(INVITE);
    expect(next).not.toBe(invite);
    expect(await listening.exit).toBe(11);
    expect(listening.err.text).toMatch(
      /someone with the key \S+ removed you from the room\n.*a member removed you from this room/s,
    );
    await carolListens.err.until(lineWith('removed', '2 members; the room has another invite'));
    expect(carolListens.err.text + carolListens.out.text).not.toContain(next.split('#')[1]?.slice(0, 43));

    // A script of a member with the old invite finds the room; a stranger with it does not.
    const cron = await carol.run('send', [invite, '-m', 'from cron']);
    expect([cron.code, cron.err]).toStrictEqual([0, '']);
    await carolListens.out.until(lineWith('carol: from cron'));
    const stranger = await dave.run('send', [invite, '-m', 'let me in', '--timeout', '2m']);
    expect(stranger.code).toBe(12);
    expect(stranger.err).toMatch(/another one\n.*ask a member for the present invite/);
    const again = await bob.run('send', [invite, '--as-member', '-m', 'again']);
    expect(again.code).toBe(11);
  });

  test('lists its members, rotates its invite and lets a member leave', async () => {
    const alice = new Person('alice');
    const bob = new Person('bob');
    const invite = await createGroup(alice, relay);
    const alone = await alice.run('leave', [invite, '--yes']);
    expect([alone.code, alone.err]).toStrictEqual([4, expect.stringContaining('is the only member')]);
    await alice.enter(invite);
    await bob.enter(invite);
    const forbidden = await bob.run('rotate', [invite]);
    expect([forbidden.code, forbidden.out]).toStrictEqual([4, '']);
    expect(forbidden.err).toMatch(/the room keeps its invite: no right to remove\n.*ask the creator/);
    const members = await alice.run('members', [invite, '--json']);
    expect(members.code).toBe(0);
    expect(JSON.parse(members.out)).toMatchObject({
      v: 1,
      type: 'members',
      code: expect.stringMatching(/^\d{30}$/),
      members: [
        { nick: 'alice', own: true, verified: true, devices: [{}] },
        { nick: 'bob', own: false, verified: false, devices: [{}] },
      ],
    });
    const joined = await alice.run('join', [invite]);
    expect(joined.out).toMatch(/^-- group room, 2 members; /);
    const rotated = await alice.run('rotate', [invite]);
    expect(rotated.code).toBe(0);
    expect(rotated.out.trim()).toMatch(INVITE);
    const carol = new Person('carol');
    expect((await carol.run('send', [invite, '-m', 'x'])).code).toBe(12);
    await carol.enter(rotated.out.trim());

    expect((await bob.run('leave', [invite])).code).toBe(2);
    const left = await bob.run('leave', [invite, '--yes', '--json']);
    expect(left.code).toBe(0);
    expect(JSON.parse(left.out)).toMatchObject({ v: 1, type: 'left-group' });
  });

  test('with the rule that anyone removes lets a member remove the creator', async () => {
    const alice = new Person('alice');
    const bob = new Person('bob');
    const invite = await createGroup(alice, relay, '--anyone-removes');
    await bob.enter(invite);
    await alice.enter(invite);
    const file = fileOf(bob, invite);
    const removal = await bob.run('remove', ['alice', '--yes', '--json', '--invite-file', file]);
    expect([removal.code, removal.err]).toStrictEqual([
      0,
      expect.stringContaining('removing ?alice with 1 device'),
    ]);
    const { invite: next, ...rest } = JSON.parse(removal.out) as { readonly invite: string };
    expect(rest).toStrictEqual({ v: 1, type: 'invite', room: invite.split('group=')[1] });
    expect(next).toMatch(INVITE);
    expect(next).not.toBe(invite);
    const members = JSON.parse((await bob.run('members', [next, '--json'])).out) as object;
    expect(members).toMatchObject({ members: [{ nick: 'bob', own: true }] });
  });

  test('is followed by a command that lags behind the commits of other commands of its device', async () => {
    const alice = new Person('alice');
    const invite = await createGroup(alice, relay);
    await alice.enter(invite);
    const listening = alice.start('listen', [invite]);
    await alice.run('send', [invite, '-m', 'ready']);
    await listening.out.until(lineWith('alice: ready'));
    await stopProcess(listening);
    for (let rotations = 0; rotations < 2; rotations += 1) {
      const rotated = await alice.run('rotate', [invite, '--json']);
      expect(rotated.code).toBe(0);
      expect(JSON.parse(rotated.out)).toMatchObject({
        v: 1,
        type: 'invite',
        invite: expect.stringMatching(INVITE),
      });
    }
    listening.signal('SIGCONT');
    const sent = await alice.run('send', [invite, '--as-member', '-m', 'still here']);
    expect([sent.code, sent.err]).toStrictEqual([0, '']);
    await listening.out.until(lineWith('alice: still here'));
    expect(listening.err.text).not.toContain('rejected');
  });

  test('takes messages of an external sender, which stores no state of the group and no device', async () => {
    const alice = new Person('alice');
    const bob = new Person('bob');
    const invite = await createGroup(alice, relay);
    await alice.enter(invite);
    expect(filesOf(alice)).toEqual(expect.arrayContaining(DEVICE_FILES));
    const sent = await bob.run('send', [invite, '-m', 'from outside']);
    expect([sent.code, sent.err]).toStrictEqual([0, '']);
    expect(filesOf(bob)).toStrictEqual([join('data', 'identity.pem')]);
  });

  test('takes a device back that lost its state', async () => {
    const alice = new Person('alice');
    const bob = new Person('bob');
    const invite = await createGroup(alice, relay);
    await bob.enter(invite);
    rmSync(join(bob.home, 'state', 'rooms'), { recursive: true });
    const listening = bob.start('listen', [invite]);
    await listening.err.until(lineWith('you joined'));
    const sent = await alice.run('send', [invite, '-m', 'hello again']);
    expect(sent.code).toBe(0);
    await listening.out.until(lineWith('alice: hello again'));
    listening.signal('SIGINT');
    expect(await listening.exit).toBe(130);
  });

  test('stays as it is if the relay takes no other room: a removal is refused before anything is committed', async () => {
    const alice = new Person('alice');
    const bob = new Person('bob');
    const open = await startRelay();
    const invite = await createGroup(alice, open);
    await bob.enter(invite);
    open.child.signal('SIGTERM');
    await open.child.exit;
    await open.restart('--allow-room', deriveRoomKeys(parseInvite(invite).secret).room);
    const listening = bob.start('listen', [invite]);

    const removal = await alice.run('remove', ['bob', '--yes', '--invite-file', fileOf(alice, invite)]);
    expect([removal.code, removal.out]).toStrictEqual([4, '']);
    expect(removal.err).toMatch(
      /nobody was removed: the relay refuses the room of the next invite: .*\(room-not-allowed\); ask its operator/,
    );
    const rotation = await alice.run('rotate', [invite]);
    expect([rotation.code, rotation.out]).toStrictEqual([4, '']);
    expect(rotation.err).toContain('the room keeps its invite: the relay refuses');

    const sent = await alice.run('send', [invite, '-m', 'bob is still here']);
    expect([sent.code, sent.err]).toStrictEqual([0, '']);
    await listening.out.until(lineWith('alice: bob is still here'));
    expect(listening.err.text).not.toContain('another invite');
  });

  test('refuses invites of the other kind of room, and flags that do not fit', async () => {
    const alice = new Person('alice');
    const keyRoom = newRoom(relay.port).text;
    for (const [command, flags, text] of [
      ['members', [keyRoom], /for a key room/],
      ['rotate', [keyRoom], /for a key room/],
      ['leave', [keyRoom, '--yes'], /for a key room/],
      ['send', [keyRoom, '--as-member', '-m', 'x'], /--as-member needs the invite of a group room/],
      ['invite', ['--anyone-removes'], /--anyone-removes needs --group/],
      ['invite', ['--group', '--passphrase'], /a group room has no passphrase/],
    ] as const) {
      const { code, err } = await alice.run(command, flags);
      expect([command, code]).toStrictEqual([command, 2]);
      expect(err).toMatch(text);
    }
    const invite = await createGroup(alice, relay);
    const stranger = await new Person('bob').run('members', [invite]);
    expect(stranger.code).toBe(2);
    expect(stranger.err).toContain('this machine is not a member of the group');
  });
});

/** Returns a file with an invite, for commands that take no invite as an argument. */
const fileOf = ({ home }: Person, invite: string): string => {
  const file = join(home, 'room.txt');
  writeFileSync(file, `${invite}\n`, { mode: 0o600 });
  return file;
};

import { afterEach, expect } from '@jest/globals';
import { withNats } from '../support/withNats.js';
import { run, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { entriesOf, fakeToken, joinRaw } from './support/rawClient.js';
import { newRoom, startRelayWithoutProxy, viaPort } from './support/relay.js';
import { startStore, storeFlags } from './support/sharedStore.js';

const test = withNats('the administration of relays that share a store is not tested');
afterEach(cleanUp);

/** Starts a relay with a socket for `admin`. */
const startAdministered = async (flags: readonly string[]) => {
  const dir = tempDir();
  const relay = await startRelayWithoutProxy(...flags, '--data', dir);
  const admin = (...args: readonly string[]) => run(['admin', ...args, '--data', dir]);
  const adminJson = async (...args: readonly string[]) => {
    const { code, out, err } = await admin(...args, '--json');
    expect([code, err]).toStrictEqual([0, '']);
    return JSON.parse(out) as Readonly<Record<string, unknown>>;
  };
  return { ...relay, admin, adminJson };
};

test('admin shows and steers one of the relays that share a store, and the others go on', async () => {
  const flags = storeFlags(await startStore());
  const [one, other] = await Promise.all([startAdministered(flags), startAdministered(flags)]);
  const room = newRoom(one.port);
  const [alice, bob] = [await joinRaw(room, 'alice'), await joinRaw(viaPort(other.port, room), 'bob')];
  await alice.output.until(() => entriesOf(alice).includes('+bob'));

  expect(await one.adminJson('status')).toMatchObject({
    store: 'shared',
    state: 'serving',
    members: 1,
    rooms: 1,
  });
  expect(await other.adminJson('connections')).toMatchObject({ total: 1, rows: [{ nick: 'bob' }] });
  const rooms = (await one.adminJson('rooms')) as { rows: { room: string; connections: number }[] };
  expect(rooms.rows).toMatchObject([{ connections: 1 }]);
  const name = rooms.rows[0]!.room;

  // A kick concerns the connections of the relay that is asked.
  expect(await one.admin('kick', 'bob')).toMatchObject({
    code: 4,
    err: expect.stringMatching(/no connection has this address or nick/) as unknown,
  });
  expect((await other.admin('kick', 'bob')).out).toBe('disconnected 1 connection\n');
  await bob.output.until(({ text }) => text.includes('\nERR access-denied the operator'));

  const deleted = await one.admin('delete-room', name);
  expect([deleted.code, deleted.out]).toStrictEqual([4, '']);
  expect(deleted.err).toMatch(
    /^rxchat: relays that share a store cannot delete what is in it: ban the room at each relay, and its entries expire with --keep\n$/,
  );
  expect(await one.adminJson('ban', name)).toMatchObject({ target: name, disconnected: 1 });
  await alice.output.until(({ text }) => text.includes('\nERR room-not-allowed this room is banned'));

  // The other relay neither knows nor applies the ban.
  const carol = await joinRaw(viaPort(other.port, room), 'carol');
  const token = fakeToken();
  carol.writeLines(token);
  await carol.output.until(() => entriesOf(carol).includes(token));
  expect(await other.adminJson('bans')).toMatchObject({ total: 0 });

  await one.admin('drain');
  expect(await one.child.exit).toBe(0);
  expect(await other.adminJson('status')).toMatchObject({ state: 'serving', members: 1 });
});

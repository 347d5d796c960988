import { afterEach, expect } from '@jest/globals';
import { withNats } from '../support/withNats.js';
import { cleanUp } from './support/cleanup.js';
import { type InProcessMember, startMember } from './support/faults/inProcessMember.js';
import { rawEntries } from './support/faults/readBack.js';
import { newRoom, startRelayWithoutProxy, viaPort, viaPorts } from './support/relay.js';
import { startStore, storeFlags } from './support/sharedStore.js';

const test = withNats('invites with several addresses are not tested');
afterEach(cleanUp);

const NICKS = ['v1', 'v2', 'v3'];
const LINES = 20;

const isAllStored = ({ sent, confirmed }: InProcessMember) => sent.length === confirmed.length;

test('members go on at the next address of their invite if relays stop and are killed, and nobody is gone', async () => {
  const flags = storeFlags(await startStore());
  const relays = await Promise.all([1, 2, 3].map(() => startRelayWithoutProxy(...flags)));
  const ports = relays.map(({ port }) => port);
  const [first, second, last] = relays;
  const room = viaPorts(ports, newRoom(ports[0] ?? 0));
  const members = NICKS.map((nick) => startMember(room, nick));
  const all = (isSo: (member: InProcessMember) => boolean) =>
    Promise.all(members.map((member) => member.until(isSo)));
  const send = () => {
    for (const member of members)
      member.send(Array.from({ length: LINES }, (_, k) => `${member.nick} ${member.sent.length + k + 1}`));
  };

  await all(({ isJoined }) => isJoined);
  send();
  first?.child.signal('SIGTERM');
  expect(await first?.child.exit).toBe(0);
  send();
  await all(isAllStored);
  send();
  second?.child.signal('SIGKILL');
  await second?.child.exit;
  send();
  await all(isAllStored);

  const sent = members.flatMap((member) => member.sent);
  await all(({ received }) => received.lines.length === sent.length);
  for (const { received } of members) {
    expect(received.gaps).toStrictEqual([]);
    for (const { nick, sent: lines } of members)
      expect(
        received.lines.map(({ text }) => text).filter((text) => text.startsWith(`${nick} `)),
      ).toStrictEqual(lines);
  }
  const announced = (await rawEntries(viaPort(last?.port ?? 0, room)))
    .filter((entry) => /^[+-]v/.test(entry))
    .flatMap((entry) =>
      entry
        .slice(1)
        .split(',')
        .map((nick) => `${entry.charAt(0)}${nick}`),
    );
  expect(announced.sort()).toStrictEqual(NICKS.map((nick) => `+${nick}`));
});

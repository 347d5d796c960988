import { expect, test } from '@jest/globals';
import { asyncScheduler, EMPTY, map, merge, NEVER, range, type Subscription, switchMap, timer } from 'rxjs';
import { createDevice } from '../../../streams/client/group/index.js';
import { RENEWAL_INTERVAL_ENTRIES } from '../../../streams/client/group/rules.js';
import { createGroup } from '../../../src/platform/createGroup.js';
import { joinGroupRoom } from '../../../src/platform/joinGroupRoom.js';
import { FAKE_INVITE, fakeIdentity, fakePlatform } from '../../../src/testing/fakePlatform.js';
import { fakeRelay } from '../../../src/testing/fakeRelay.js';
import { marbles } from '../../support/marbles.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const minute = () => Math.floor(asyncScheduler.now() / MINUTE_MS);

test('a member renews its keys after 15 minutes and a day later, and reports the epochs alone', () => {
  const reports: string[] = [];
  marbles(
    ({ expectObservable }) => {
      const relay = fakeRelay();
      const platform = fakePlatform(relay);
      const suite = platform.suite();
      const identity = fakeIdentity(1);
      const { invite, groupId } = createGroup(platform, FAKE_INVITE, identity);
      const device = createDevice(suite.ed25519.signingKey(suite.randomBytes(32)), identity, 'laptop');
      // A renewal needs as many entries since the last commit of the same person.
      const message$ = timer(DAY_MS / 2).pipe(
        switchMap(() => range(RENEWAL_INTERVAL_ENTRIES)),
        map((number) => ({ lines: [`message ${number}`] })),
      );
      const client: Subscription = merge(NEVER, message$)
        .pipe(
          joinGroupRoom(platform, invite, {
            nick: 'alice',
            identity,
            group: { device, role: { type: 'creator', groupId }, save: () => EMPTY },
          }),
        )
        .subscribe((event) => {
          if (event.type === 'epoch') reports.push(`${event.change} ${event.epoch}, minute ${minute()}`);
          if (event.type === 'request-done' || event.type === 'request-refused') reports.push(event.type);
        });
      const end = DAY_MS + 20 * MINUTE_MS;
      timer(end).subscribe(() => {
        client.unsubscribe();
        relay.stop();
      });
      expectObservable(timer(end)).toBe(`${end}ms (a|)`, { a: 0 });
    },
    { untilMs: DAY_MS + 30 * MINUTE_MS },
  );
  expect(reports).toStrictEqual([
    'created 0, minute 0',
    'renewed 1, minute 15',
    `renewed 2, minute ${24 * 60 + 15}`,
  ]);
});

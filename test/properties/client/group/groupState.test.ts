import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { changeLog, type GroupEvent } from '../../../../streams/client/group/groupState.js';
import { formatSnapshot } from '../../../../streams/client/group/savedState.js';
import { chooseSeed } from '../../../support/seed.js';
import { agree, memberState, type TestDevice, testRoom, textsOf } from '../../../support/group/room.js';

const SEED = chooseSeed(1);
const inviteSecret = new Uint8Array(32);

/** What a device does next. It knows only what it has read so far. */
type Action =
  | { readonly type: 'read'; readonly device: number; readonly count: number }
  | { readonly type: 'send' | 'renew' | 'join' | 'remove' | 'replay'; readonly device: number };

const device = fc.nat(4);
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('read'), device, count: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('send'), device }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('join'), device }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('renew'), device }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove'), device }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('replay'), device }) },
);

/** Runs a schedule until every device has read the log. Returns the devices and the texts that were sent. */
const run = (actions: readonly Action[]) => {
  const room = testRoom();
  // The even ones can read again what they have read.
  const devices = [1, 2, 3, 4, 5].map((mark) =>
    room.device(mark, { forgetMs: mark % 2 === 0 ? Infinity : 0 }),
  );
  const creator = devices[0]!;
  room.create(creator);
  room.readAll(...devices);
  const sent: string[] = [];
  let number = 0;

  const perform = (action: Action, each: TestDevice) => {
    const { state } = each;
    switch (action.type) {
      case 'read':
        for (let count = 0; count < action.count; count += 1) room.readOne(each);
        return;
      case 'replay':
        if (room.log.length > 0) room.append(room.log[(number += 7) % room.log.length]!);
        return;
      case 'join':
        if (state.phase === 'newcomer' && state.groupInfo !== undefined && state.pending === undefined)
          room.join(each);
        return;
      case 'send':
        if (state.phase !== 'member') return;
        sent.push(`${each.mark} ${(number += 1)}`);
        room.send(each, sent.at(-1)!);
        return;
      case 'renew':
        if (state.phase === 'member' && state.pending === undefined) room.commit(each);
        return;
      case 'remove': {
        const other = state.phase === 'member' && state.epoch.view.members.at(-1);
        if (
          state.phase === 'member' &&
          state.pending === undefined &&
          other &&
          other.leaf !== state.epoch.view.leaf
        )
          room.commit(each, { remove: [other.leaf] });
      }
    }
  };
  for (const action of actions) perform(action, devices[action.device]!);
  room.readAll(...devices);
  return { room, devices, creator, sent };
};

test('all members that read the same log agree, and read each message once and in one order', () => {
  let epochs = 0;
  let removed = 0;
  fc.assert(
    fc.property(fc.array(anyAction, { maxLength: 100, size: 'max' }), (actions) => {
      const { devices, creator, sent } = run(actions);
      const members = devices.filter(({ state }) => state.phase === 'member');
      epochs += memberState(creator).epoch.view.epoch;
      removed += devices.filter(({ state }) => state.phase === 'removed').length;
      expect(agree(...members)).toBe(true);
      expect(memberState(creator).epoch.view.members).toHaveLength(members.length);

      const texts = textsOf(creator);
      expect(new Set(texts).size).toBe(texts.length);
      const isMember = (text: string) => members.some(({ mark }) => text.startsWith(`${mark} `));
      // A removed member may have lost what it sent last. Nobody else loses anything.
      expect(texts.filter(isMember).toSorted()).toStrictEqual(sent.filter(isMember).toSorted());
      // Every device reads what the creator reads, from its join to its removal.
      for (const each of devices) {
        // A replay is opened again as long as its key is not forgotten.
        const own = [...new Set(textsOf(each))];
        const start = own.length === 0 ? 0 : texts.indexOf(own[0]!);
        expect(own).toStrictEqual(texts.slice(start, start + own.length));
        if (each.state.phase === 'member' && own.length > 0) expect(own.at(-1)).toBe(texts.at(-1));
      }
      for (const { outbox, state } of members)
        expect({ outbox, ...state }).toMatchObject({ outbox: [], pending: undefined, ahead: undefined });
      expect(changeLog(creator.state).phase).toBe('member');
    }),
    { numRuns: 100, seed: SEED },
  );
  // Otherwise the schedules would show little.
  expect(epochs).toBeGreaterThan(50);
  expect(removed).toBeGreaterThan(0);
});

test('reading again opens the same as the first reading, as far as keys are kept, and changes no state', () => {
  let reread = 0;
  fc.assert(
    fc.property(fc.array(anyAction, { maxLength: 100, size: 'max' }), fc.nat(60), (actions, from) => {
      const { room, devices } = run(actions);
      for (const each of devices) {
        const { context, state, events } = each;
        if (state.phase !== 'member') continue;
        const saved = () =>
          formatSnapshot(context.engine, { inviteSecret, resume: undefined, state: each.state });
        const before = saved();
        const isAfter = (event: GroupEvent) =>
          event.type === 'opened' && event.position > from && context.forgetMs > 0;
        const opened = events.filter(isAfter);
        reread += opened.length;
        expect(room.reread(each, from + 1).filter(({ type }) => type === 'opened')).toStrictEqual(opened);
        expect(saved()).toStrictEqual(before);
      }
    }),
    { numRuns: 100, seed: SEED },
  );
  expect(reread).toBeGreaterThan(50);
});

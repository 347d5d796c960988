import { describe, expect, test } from '@jest/globals';
import {
  changeLog,
  type GroupEvent,
  type NewcomerState,
} from '../../../../streams/client/group/groupState.js';
import { MAX_FORMER_LOGS } from '../../../../streams/client/group/formerLog.js';
import { formerLogReader } from '../../../../streams/client/group/formerLogReader.js';
import { forgetBefore, forgetOld, MAX_PAST_RATCHETS } from '../../../../streams/client/group/pastEpochs.js';
import { chainKeyAt } from '../../../../streams/client/group/ratchet.js';
import { formatSnapshot, parseSnapshot } from '../../../../streams/client/group/savedState.js';
import { createExternalSender, sealExternalMessage } from '../../../../streams/client/group/sealMessage.js';
import { identityOf } from '../../../support/group/devices.js';
import type { FakeInfo, FakeState } from '../../../support/group/fakeEngine.js';
import { memberState, type TestDevice, type TestRoom, testRoom } from '../../../support/group/room.js';
import { entryOf, messageOf, outerKeyOf } from '../../../support/group/session.js';

const saved = ({ context, state }: TestDevice): Uint8Array =>
  formatSnapshot(context.engine, { inviteSecret: new Uint8Array(32), resume: undefined, state });

const restart = (device: TestDevice): void => {
  device.state = parseSnapshot(device.context, saved(device))!.state;
};

/** What events say, in short. */
const inShort = (events: readonly GroupEvent[]): readonly string[] =>
  events.map((event) => (event.type === 'opened' ? event.envelope.lines.join() : event.type));

const openedBy = (device: TestDevice): readonly GroupEvent[] =>
  device.events.filter(({ type }) => type === 'opened');

const postExternal = (room: TestRoom, mark: number, ...texts: readonly string[]): void => {
  const outsider = room.device(mark);
  room.readAll(outsider);
  const { groupInfo } = outsider.state as NewcomerState<FakeState, FakeInfo>;
  let sender = createExternalSender(outsider.context, groupInfo!)!;
  for (const text of texts) {
    const sealed = sealExternalMessage(outsider.context, sender, messageOf(text, 1), identityOf(mark));
    sender = sealed.sender;
    room.append(sealed.frame);
  }
};

/** Alice and Bob, in two epochs with messages, and a message that came too late. */
const scene = (forgetMs: number) => {
  const room = testRoom();
  const [alice, bob] = [room.device(1), room.device(2, { forgetMs })];
  room.create(alice);
  room.readAll(alice);
  room.send(alice, 'before');
  room.readAll(alice, bob);
  room.join(bob);
  room.readAll(alice, bob);
  room.send(alice, 'one');
  room.send(bob, 'two');
  postExternal(room, 6, 'three', 'four');
  room.commit(alice);
  room.send(bob, 'late');
  room.nowMs = 1000;
  room.readAll(alice, bob);
  room.send(alice, 'six');
  room.nowMs = 5000;
  room.readAll(alice, bob);
  return { room, alice, bob };
};

/** The first reading of Bob, in short. */
const AGAIN = [
  'handshake',
  'beforeJoin',
  'handshake',
  'one',
  'two',
  'three',
  'four',
  'handshake',
  'void',
  'late',
  'six',
];
const FORGOTTEN = AGAIN.map((each) =>
  /^[a-z]+$/.test(each) && each.length <= 5 && each !== 'void' ? 'forgotten' : each,
);

describe('entries that were applied before', () => {
  test('are opened again with the keys of their epoch, in any order, and the state to save stays the same', () => {
    const { room, bob } = scene(Infinity);
    const before = saved(bob);
    for (let from = room.log.length; from > 0; from -= 1)
      expect(inShort(room.reread(bob, from))).toStrictEqual(AGAIN.slice(from - 1));
    expect(room.reread(bob).filter(({ type }) => type === 'opened')).toStrictEqual(openedBy(bob));
    expect(saved(bob)).toStrictEqual(before);
  });

  test('are opened again after a restart, and what follows is applied', () => {
    const { room, alice, bob } = scene(Infinity);
    restart(bob);
    expect(inShort(room.reread(bob))).toStrictEqual(AGAIN);
    room.commit(alice);
    room.readAll(alice, bob);
    restart(bob);
    expect(inShort(room.reread(bob))).toStrictEqual([...AGAIN, 'handshake']);
  });

  test('take one step each in order', () => {
    const { room, alice, bob } = scene(Infinity);
    for (let count = 0; count < 200; count += 1) room.send(alice, 'more');
    room.commit(alice);
    room.readAll(alice, bob);
    let steps = 0;
    const { suite } = bob.context;
    const hmac: typeof suite.hmac = (key, message) => ((steps += 1), suite.hmac(key, message));
    const counting = { ...bob, context: { ...bob.context, suite: { ...suite, hmac } } };
    room.reread(counting);
    expect(steps).toBeLessThan(500);
  });

  test('are forgotten at once if nothing is retained, and the saved state opens none of them', () => {
    const { room, bob } = scene(0);
    expect(memberState(bob).pastEpochs).toStrictEqual([]);
    restart(bob);
    expect(inShort(room.reread(bob))).toStrictEqual(FORGOTTEN);
    const keeper = { ...bob, context: { ...bob.context, forgetMs: Infinity } };
    expect(inShort(room.reread(keeper))).toStrictEqual(FORGOTTEN);
  });

  test('are forgotten when their epoch ended long enough ago', () => {
    const { room, alice, bob } = scene(10_000);
    room.nowMs = 11_000;
    room.commit(bob);
    room.readAll(alice, bob);
    // The first epoch ended at 1000, and is there for 10 s.
    expect(inShort(room.reread(bob))).toStrictEqual([...AGAIN, 'handshake']);
    expect(forgetBefore(memberState(bob), 1000).pastEpochs).toHaveLength(2);
    room.nowMs = 11_001;
    room.commit(alice);
    room.readAll(alice, bob);
    const halfForgotten = [...FORGOTTEN.slice(0, 8), ...AGAIN.slice(8)];
    expect(inShort(room.reread(bob))).toStrictEqual([...halfForgotten, 'handshake', 'handshake']);
    bob.state = forgetOld(bob.context, bob.state, 21_001);
    expect(memberState(bob).pastEpochs).toHaveLength(1);
    bob.state = forgetOld(bob.context, bob.state, 21_002);
    expect(memberState(bob).pastEpochs).toStrictEqual([]);
  });

  test('are all forgotten if the setting becomes 0', () => {
    const { room, bob } = scene(Infinity);
    expect(inShort(room.reread(bob))).toContain('six');
    bob.state = forgetOld({ forgetMs: 0 }, bob.state, 0);
    restart(bob);
    expect(openedBy(bob)).not.toStrictEqual([]);
    expect(room.reread(bob).filter(({ type }) => type === 'opened')).toStrictEqual([]);
    room.send(bob, 'next');
    room.readAll(bob);
    expect(inShort(bob.events).at(-1)).toBe('next');
  });

  test('of the oldest epochs are forgotten when there are too many keys', () => {
    const { room, alice, bob } = scene(Infinity);
    const [first] = memberState(bob).pastEpochs;
    const many = Array.from({ length: MAX_PAST_RATCHETS / 2 }, () => ({ ...first!, endMs: 7 }));
    bob.state = { ...memberState(bob), pastEpochs: [...many, first!] };
    room.commit(bob);
    room.readAll(alice, bob);
    const { pastEpochs } = memberState(bob);
    // The first epoch has two senders and an external one, the second two senders.
    expect(pastEpochs).toHaveLength(Math.floor((MAX_PAST_RATCHETS - 3) / 4) + 1);
    expect(pastEpochs.slice(-2)).toMatchObject([{ endMs: 1000 }, { endMs: 5000 }]);
    expect(saved(bob).length).toBeLessThan(2_000_000);
    restart(bob);
    expect(memberState(bob).pastEpochs).toHaveLength(pastEpochs.length);
  });

  test('of another log cannot be read, and the keys of the past are gone', () => {
    const { bob } = scene(Infinity);
    const changed = changeLog(bob.state);
    expect(changed).toMatchObject({ position: 0, pastEpochs: [], formerLogs: [] });
  });

  describe('in a log that the room left', () => {
    const outerKey = outerKeyOf(1);
    const left = { log: 'log', inviteSecret: new Uint8Array(32).fill(1) };
    const moved = (forgetMs: number) => {
      const { room, alice, bob } = scene(forgetMs);
      room.commit(alice, { inviteSecret: new Uint8Array(32).fill(7) });
      room.readAll(alice);
      room.send(alice, 'in the wrong room');
      room.readAll(bob);
      bob.state = changeLog(bob.state, left);
      return { room, bob };
    };
    const readFormer = ({ room, bob }: ReturnType<typeof moved>): readonly string[] => {
      const [former] = memberState(bob).formerLogs;
      const read = formerLogReader(bob.context, memberState(bob), former!, outerKey);
      return inShort(room.log.flatMap((frame, at) => read(entryOf(frame, at + 1)) as readonly GroupEvent[]));
    };

    test('are opened again, and the state of the device stays the same', () => {
      const { room, bob } = moved(Infinity);
      const { state } = bob;
      expect(readFormer({ room, bob })).toStrictEqual([...AGAIN, 'handshake', 'void']);
      expect(bob.state).toBe(state);
    });

    test('are forgotten as those of the present log, the oldest first', () => {
      const { room, bob } = moved(10_000);
      // The epochs of that log ended at 1000 and at 5000.
      bob.state = forgetOld(bob.context, bob.state, 11_001);
      const halfForgotten = [...FORGOTTEN.slice(0, 8), ...AGAIN.slice(8)];
      expect(readFormer({ room, bob })).toStrictEqual([...halfForgotten, 'handshake', 'void']);
      bob.state = forgetOld(bob.context, bob.state, 15_001);
      expect(memberState(bob).formerLogs).toStrictEqual([]);
    });

    test('are not kept with the setting 0, and at most 8 logs are', () => {
      expect(memberState(moved(0).bob).formerLogs).toStrictEqual([]);
      const { bob } = moved(Infinity);
      const { pastEpochs } = memberState(bob).formerLogs[0]!;
      for (let n = 0; n < MAX_FORMER_LOGS; n += 1)
        bob.state = changeLog({ ...memberState(bob), pastEpochs }, { ...left, log: `log${n}` });
      expect(memberState(bob).formerLogs.map(({ log }) => log)).toStrictEqual(
        Array.from({ length: MAX_FORMER_LOGS }, (_, n) => `log${n}`),
      );
    });
  });

  test('behind the move of the room are void again', () => {
    const { room, alice, bob } = scene(Infinity);
    room.commit(alice, { inviteSecret: new Uint8Array(32).fill(7) });
    room.readAll(alice);
    room.send(alice, 'in the wrong room');
    room.readAll(bob);
    expect(inShort(room.reread(bob)).slice(-2)).toStrictEqual(['handshake', 'void']);
  });

  test('between a missed commit and joining again stay unread, and those before are opened', () => {
    const { room, alice, bob } = scene(Infinity);
    const carol = room.device(3);
    room.readAll(carol);
    room.join(carol);
    room.readAll(alice);
    bob.readCount += 1;
    room.send(alice, 'missed');
    room.postGroupInfo(alice);
    room.readAll(alice, bob);
    room.join(bob);
    room.readAll(alice, bob);
    room.send(alice, 'back');
    room.readAll(alice, bob);
    expect(inShort(bob.events).slice(-4)).toStrictEqual(['behind', 'behind', 'epoch', 'back']);
    const expected = [...AGAIN, 'handshake', 'beforeJoin', 'handshake', 'handshake', 'back'];
    expect(inShort(room.reread(bob))).toStrictEqual(
      expected.map((each) => (each === 'void' ? 'beforeJoin' : each)),
    );
  });

  test('behind a commit that only this device could not apply are void or unread', () => {
    const { room, alice, bob } = scene(Infinity);
    const carol = room.device(3);
    room.readAll(carol);
    room.join(carol);
    room.readAll(alice, bob, carol);
    room.engine.invalidFor = [memberState(bob).epoch.view.leaf];
    room.commit(alice);
    room.engine.invalidFor = [];
    room.send(bob, 'too late');
    room.readAll(alice, carol);
    room.send(alice, 'missed');
    room.readAll(bob);
    expect(inShort(bob.events).slice(-4)).toStrictEqual(['rejected', 'behind', 'void', 'behind']);
    expect(inShort(room.reread(bob)).slice(-3)).toStrictEqual(['handshake', 'void', 'forgotten']);
    room.join(bob);
    room.readAll(alice, bob, carol);
    const opened = (events: readonly GroupEvent[]) => inShort(events.filter(({ type }) => type === 'opened'));
    expect(opened(room.reread(bob))).toStrictEqual(opened(bob.events));
  });

  test('are opened only with keys that were used', () => {
    const { room, alice, bob } = scene(Infinity);
    const { epoch, sending } = memberState(alice);
    const ahead = { ...sending, chainKey: chainKeyAt(sending.chainKey, 1500, alice.context.suite) };
    alice.state = { ...memberState(alice), sending: ahead };
    room.send(alice, 'too far ahead');
    room.readAll(bob);
    expect(inShort(bob.events).at(-1)).toBe('undecryptable');
    const place = { epoch: epoch.view.epoch, leaf: 9, slot: 0, generation: 0 };
    room.append({ type: 'message', ...place, token: new Uint8Array(9) });
    room.append({ type: 'message', ...place, epoch: 70, token: new Uint8Array(9) });
    room.readAll(bob);
    expect(inShort(room.reread(bob)).slice(-3)).toStrictEqual(Array(3).fill('forgotten'));
  });
});

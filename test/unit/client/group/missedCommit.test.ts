import { describe, expect, test } from '@jest/globals';
import { nodeSuite } from '../../../../src/crypto/nodeSuite.js';
import { equalBytes } from '../../../../streams/client/group/bytes.js';
import type { CommitFrame } from '../../../../streams/client/group/frame.js';
import { formatGroupId } from '../../../../streams/client/group/groupId.js';
import { type CommitRequest, stageCommit } from '../../../../streams/client/group/stageHandshake.js';
import { createStarEngine } from '../../../../streams/client/group/starEngine.js';
import type { StarGroupInfo } from '../../../../streams/client/group/starGroupInfo.js';
import type { StarState } from '../../../../streams/client/group/starState.js';
import { toBase64url } from '../../../../streams/wire/encoding.js';
import { flipBit, seededRandom } from '../../../support/cryptoSuites.js';
import { ed25519, identityOf } from '../../../support/group/devices.js';
import {
  agree,
  joinThree,
  lastEvent,
  memberState,
  roomOfThree,
  roomOn,
  type TestDevice,
  typesOf,
} from '../../../support/group/room.js';

/**
 * Two processes of carol's device are behind. A group info told them that the others are in epoch 3.
 *
 * The first process staged a join, which is not in the log yet. The second one can find it, and its searches are recorded.
 */
const roomWithDeviceBehind = () => {
  const room = roomOn(createStarEngine({ ...nodeSuite({ randomBytes: seededRandom('behind') }), ed25519 }));
  const { alice, bob, carol } = joinThree(room);
  room.commit(alice);
  carol.readCount += 1;
  room.readAll(alice, bob);
  room.postGroupInfo(alice);
  room.readAll(alice, bob, carol);
  const { state } = carol;
  room.join(carol);
  const join = room.log.pop() as CommitFrame;
  const { pending } = memberState(carol);
  const searches: string[] = [];
  const findHandshake = (commit: Uint8Array) => {
    searches.push(toBase64url(commit));
    return equalBytes(commit, join.commit) ? pending : undefined;
  };
  const second = { ...carol, state, events: [], context: { ...carol.context, findHandshake } };
  return { room, alice, bob, carol, second, join, searches };
};

/** From the end of a commit: a byte of its confirmation tag, and one of its signature. */
const TAG_BYTE = -1;
const SIGNATURE_BYTE = -33;

describe('a device that is behind', () => {
  test('searches for the join of another of its processes, if the commit has the signature of the device', () => {
    const { room, alice, bob, carol, second, join, searches } = roomWithDeviceBehind();
    room.append(join);
    room.readAll(alice, bob, carol, second);
    expect(searches).toStrictEqual([toBase64url(join.commit)]);
    expect(agree(alice, bob, carol, second)).toBe(true);
  });

  test.each([
    ['a bent signature', { at: SIGNATURE_BYTE, groupInfoUpdate: undefined }],
    ['a bent confirmation tag', { at: TAG_BYTE, groupInfoUpdate: undefined }],
    ['another group info update', { at: undefined, groupInfoUpdate: new Uint8Array(3) }],
  ])('does not search for a commit in its name that has %s', (_, { at, groupInfoUpdate }) => {
    const { room, alice, bob, carol, second, join, searches } = roomWithDeviceBehind();
    const commit = at === undefined ? join.commit : flipBit(join.commit, join.commit.length + at);
    const forged = { ...join, commit, groupInfoUpdate: groupInfoUpdate ?? join.groupInfoUpdate };
    for (let count = 0; count < 3; count += 1) room.append(forged);
    room.readAll(second);
    expect(searches).toStrictEqual([]);
    expect(typesOf(second)).toStrictEqual(['behind', 'behind', 'behind']);
    room.append(join);
    room.readAll(alice, bob, carol, second);
    expect(searches).toStrictEqual([toBase64url(join.commit)]);
    expect(agree(alice, bob, carol, second)).toBe(true);
  });

  test('does not search for the commits of others, and follows them', () => {
    const { room, alice, bob, second, searches } = roomWithDeviceBehind();
    const dave = room.device(4);
    room.readAll(dave);
    room.join(dave);
    room.readAll(alice, bob, dave);
    room.commit(bob);
    room.readAll(alice, bob, dave, second);
    expect(searches).toStrictEqual([]);
    expect(memberState(second).ahead).toMatchObject({ epoch: 5 });
  });

  const inviteSecret = new Uint8Array(32).fill(7);
  /** A commit of a member that does not mind the rules. */
  const commitWithoutRight = (
    { context, ...device }: TestDevice<StarState, StarGroupInfo>,
    request: CommitRequest,
  ): CommitFrame => {
    const state = memberState({ context, ...device });
    const anyone = formatGroupId({
      removalRule: 'anyone',
      creator: identityOf(1).key,
      random: new Uint8Array(16),
    });
    const view = { ...state.epoch.view, groupId: anyone };
    const staged = stageCommit(context, { ...state, epoch: { ...state.epoch, view } }, request);
    if (typeof staged === 'string') throw new Error(staged);
    return staged.frame;
  };

  test.each([
    ['and moves the room', { inviteSecret }],
    ['and stays', {}],
  ])('is out when a member removes it %s', (_, move) => {
    const { room, alice, bob, carol, second } = roomWithDeviceBehind();
    room.commit(alice, { remove: [memberState(carol).epoch.view.leaf], ...move });
    room.readAll(alice, bob, second);
    expect(second.state).toStrictEqual({ phase: 'removed' });
    expect(lastEvent(second)).toMatchObject({ type: 'removed', committer: { identity: identityOf(1).key } });
  });

  test('does not join the room that the others left', () => {
    const { room, alice, bob, second } = roomWithDeviceBehind();
    room.commit(alice, { inviteSecret });
    room.readAll(alice, bob, second);
    expect(lastEvent(second)).toMatchObject({ type: 'withdrawn', wasMember: true });
    expect(second.state).toMatchObject({ phase: 'newcomer', isWithdrawn: true });
  });

  test.each([
    ['removes it', { isMove: false }],
    ['moves the room', { isMove: true }],
  ])('stays when a member without the right %s', (_, { isMove }) => {
    const { room, alice, bob, carol, second } = roomWithDeviceBehind();
    const remove = isMove ? [] : [memberState(carol).epoch.view.leaf];
    room.append(commitWithoutRight(bob, { remove, ...(isMove && { inviteSecret }) }));
    room.readAll(alice, bob, second);
    expect(lastEvent(second)).toMatchObject({ type: 'behind' });
    expect(second.state).toMatchObject({ phase: 'member', hasMoved: false, ahead: { epoch: 3 } });
  });

  test('is not removed by its own join, whose keys it does not find', () => {
    const { room, alice, bob, second, join } = roomWithDeviceBehind();
    const lost = { ...second, context: { ...second.context, findHandshake: undefined } };
    room.append(join);
    room.readAll(alice, bob, lost);
    expect(lastEvent(lost)).toMatchObject({ type: 'behind' });
    expect(memberState(lost).ahead).toMatchObject({ epoch: 4 });
  });

  test('is out when another of its processes read that it was removed after its join', () => {
    const { room, alice, bob, second, join } = roomWithDeviceBehind();
    const late = { ...second, context: { ...second.context, findHandshake: () => 'removed' as const } };
    room.append(join);
    room.readAll(alice, bob, late);
    expect(late.state).toStrictEqual({ phase: 'removed' });
    expect(lastEvent(late)).toMatchObject({ type: 'removed', committer: undefined });
  });
});

describe('a device that lags behind another process of it', () => {
  test('is out when that one read that the device was removed', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const findHandshake = () => 'removed' as const;
    const second = { ...bob, events: [], context: { ...bob.context, findHandshake } };
    room.commit(alice);
    room.readAll(alice, bob, carol, second);
    expect(agree(alice, second)).toBe(true);
    room.commit(bob);
    room.readAll(alice, bob, carol, second);
    expect(second.state).toStrictEqual({ phase: 'removed' });
    expect(lastEvent(second)).toMatchObject({ type: 'removed', committer: undefined });
  });
});

test('a move that a device cannot apply leaves it no room', () => {
  const { room, alice, bob } = roomOfThree();
  room.engine.invalidFor = [memberState(bob).epoch.view.leaf];
  room.commit(alice, { inviteSecret: new Uint8Array(32).fill(7) });
  room.engine.invalidFor = [];
  room.readAll(alice, bob);
  expect(typesOf(bob).at(-1)).toBe('withdrawn');
  expect(bob.state).toMatchObject({ phase: 'newcomer', isWithdrawn: true });
});

import { describe, expect, test } from '@jest/globals';
import { nodeSuite } from '../../../../src/crypto/nodeSuite.js';
import { equalBytes } from '../../../../streams/client/group/bytes.js';
import type { CommitFrame } from '../../../../streams/client/group/frame.js';
import { createStarEngine } from '../../../../streams/client/group/starEngine.js';
import { toBase64url } from '../../../../streams/wire/encoding.js';
import { flipBit, seededRandom } from '../../../support/cryptoSuites.js';
import { ed25519 } from '../../../support/group/devices.js';
import { agree, joinThree, memberState, roomOn, typesOf } from '../../../support/group/room.js';

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
});

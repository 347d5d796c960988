import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type CommitData,
  formatCommitData,
  leaveMessage,
  type LeaveStatement,
  NO_COMMIT_DATA,
  parseCommitData,
  type RemovalGrant,
  removalGrantMessage,
} from '../../../../streams/client/group/commitData.js';
import type { Commit, Member } from '../../../../streams/client/group/engine.js';
import { formatGroupId, parseGroupId } from '../../../../streams/client/group/groupId.js';
import {
  type CommitContext,
  type CommitRefusal,
  commitRefusal,
  MEMBER_LIMIT,
  RENEWAL_INTERVAL_ENTRIES,
} from '../../../../streams/client/group/rules.js';
import { fromBase64url } from '../../../../streams/wire/encoding.js';
import { deviceOf, ed25519, identityOf, memberOf } from '../../../support/group/devices.js';

const [ALICE, BOB, CAROL, DAVE]: readonly [number, number, number, number] = [1, 2, 3, 4];
const alice = memberOf(0, ALICE);
const bob = memberOf(1, BOB);
const carol = memberOf(2, CAROL);
/** Another device of Bob. */
const phone: Member = { ...bob, leaf: 3, device: memberOf(3, 5).device, label: 'phone' };
const dave = memberOf(4, DAVE);

const random = new Uint8Array(16).fill(1);
const groupId = formatGroupId({ removalRule: 'creator', creator: alice.identity, random });
const openGroupId = formatGroupId({ removalRule: 'anyone', creator: alice.identity, random });
const otherGroupId = formatGroupId({ removalRule: 'creator', creator: bob.identity, random });
const context: CommitContext = {
  groupId,
  epoch: 7,
  members: [alice, bob, carol, phone],
  committer: dave.identity,
  entriesInEpoch: 0,
};

const grantTo = (mark: number, { signer = ALICE, lastEpoch = 7, group = groupId } = {}): RemovalGrant => {
  const message = removalGrantMessage(group, fromBase64url(identityOf(mark).key)!, lastEpoch);
  return { lastEpoch, signature: fromBase64url(identityOf(signer).sign(message))! };
};
const leaveOf = (mark: number, { signer = mark, lastEpoch = 7, group = groupId } = {}): LeaveStatement => {
  const device = deviceOf(mark).publicKey;
  return { device, lastEpoch, signature: deviceOf(signer).sign(leaveMessage(group, device, lastEpoch)) };
};
const inviteSecretHash = new Uint8Array(32).fill(3);

const commitBy = (committer: Member, removed: readonly Member[], data: Partial<CommitData> = {}): Commit => ({
  epoch: 7,
  isExternal: false,
  committer,
  removed,
  authenticatedData: formatCommitData({ ...NO_COMMIT_DATA, ...data }),
});
const joinOf = (
  committer: Member,
  removed: readonly Member[] = [],
  data: Partial<CommitData> = {},
): Commit => ({
  ...commitBy(committer, removed, data),
  isExternal: true,
});
const refusalOf = (commit: Commit, more: Partial<CommitContext> = {}) =>
  commitRefusal({ ...context, ...more }, commit, ed25519);

const crowd = (size: number): readonly Member[] =>
  Array.from({ length: size }, (_, leaf) => ({
    ...alice,
    leaf,
    identity: `person ${leaf}`,
    device: `device ${leaf}`,
  }));

type Allowed = readonly [name: string, commit: Commit, more?: Partial<CommitContext>];
type Refused = readonly [name: string, refusal: CommitRefusal, commit: Commit, more?: Partial<CommitContext>];

describe('commitRefusal', () => {
  const allowed: readonly Allowed[] = [
    ['a renewal', commitBy(bob, [])],
    ['the creator removes a person', commitBy(alice, [bob, phone])],
    ['the creator moves the room', commitBy(alice, [], { inviteSecretHash })],
    ['a person removes an own device', commitBy(bob, [phone])],
    ['anyone removes, in a group of that rule', commitBy(carol, [alice]), { groupId: openGroupId }],
    [
      'anyone moves the room, in a group of that rule',
      commitBy(carol, [], { inviteSecretHash }),
      { groupId: openGroupId },
    ],
    ['a member with a grant removes', commitBy(carol, [bob], { grant: grantTo(CAROL) })],
    [
      'a member with a grant moves the room',
      commitBy(carol, [bob], { grant: grantTo(CAROL), inviteSecretHash }),
    ],
    ['a member removes a device that leaves', commitBy(carol, [bob], { leaves: [leaveOf(BOB)] })],
    [
      'a member removes two devices that leave',
      commitBy(carol, [alice, bob], { leaves: [leaveOf(BOB), leaveOf(ALICE)] }),
    ],
    ['a newcomer joins', joinOf(dave)],
    ['a newcomer takes the place of its own device', joinOf({ ...bob, device: dave.device }, [bob])],
    ['a device takes its own place again', joinOf(bob, [bob])],
    ['the last place is taken', joinOf(dave), { members: crowd(MEMBER_LIMIT - 1) }],
    [
      'a full group: a device takes its own place again',
      joinOf({ ...dave, identity: 'person 1' }, [crowd(2)[1]!]),
      { members: crowd(MEMBER_LIMIT) },
    ],
    [
      'a renewal after 32 entries',
      commitBy(bob, []),
      { committer: bob.identity, entriesInEpoch: RENEWAL_INTERVAL_ENTRIES },
    ],
    ['a renewal at once after another person', commitBy(bob, []), { committer: carol.identity }],
    ['a removal at once after an own commit', commitBy(alice, [bob]), { committer: alice.identity }],
    [
      'a move at once after an own commit',
      commitBy(alice, [], { inviteSecretHash }),
      { committer: alice.identity },
    ],
    ['a join at once after a join of the same person', joinOf(dave), { committer: dave.identity }],
  ];
  test.each(allowed.map(([name, ...rest]) => [name, rest] as const))('allows: %s', (_, rest) => {
    expect(refusalOf(...rest)).toBeUndefined();
  });

  const noRight = 'no right to remove';
  const invalid = 'invalid commit data';
  const refused: readonly Refused[] = [
    ['a member removes the creator', noRight, commitBy(bob, [alice])],
    ['a member removes another and an own device', noRight, commitBy(bob, [phone, carol])],
    ['a member moves the room', noRight, commitBy(bob, [], { inviteSecretHash })],
    [
      'a member moves the room with the removal of an own device',
      noRight,
      commitBy(bob, [phone], { inviteSecretHash }),
    ],
    [
      'a member moves the room because another leaves',
      noRight,
      commitBy(carol, [bob], { leaves: [leaveOf(BOB)], inviteSecretHash }),
    ],
    [
      'the creator of another group removes',
      noRight,
      commitBy(alice, [bob]),
      { groupId: otherGroupId, members: [alice, bob] },
    ],
    ['a grant to another person', noRight, commitBy(carol, [bob], { grant: grantTo(DAVE) })],
    [
      'a grant signed by another',
      noRight,
      commitBy(carol, [bob], { grant: grantTo(CAROL, { signer: CAROL }) }),
    ],
    ['a grant that expired', noRight, commitBy(carol, [bob], { grant: grantTo(CAROL, { lastEpoch: 6 }) })],
    [
      'a grant for another group',
      noRight,
      commitBy(carol, [bob], { grant: grantTo(CAROL, { group: otherGroupId }) }),
    ],
    [
      'a leave statement signed by another',
      noRight,
      commitBy(carol, [bob], { leaves: [leaveOf(BOB, { signer: CAROL })] }),
    ],
    ['a leave statement of another device', noRight, commitBy(carol, [bob], { leaves: [leaveOf(CAROL)] })],
    [
      'a leave statement that expired',
      noRight,
      commitBy(carol, [bob], { leaves: [leaveOf(BOB, { lastEpoch: 6 })] }),
    ],
    [
      'a leave statement for another group',
      noRight,
      commitBy(carol, [bob], { leaves: [leaveOf(BOB, { group: otherGroupId })] }),
    ],
    [
      'a leave statement for one of two devices',
      noRight,
      commitBy(carol, [alice, bob], { leaves: [leaveOf(BOB)] }),
    ],
    ['a newcomer removes another', 'a newcomer removes another person', joinOf(dave, [bob])],
    ['a newcomer removes another with a grant', invalid, joinOf(dave, [bob], { grant: grantTo(DAVE) })],
    ['a newcomer brings a leave statement', invalid, joinOf(dave, [], { leaves: [leaveOf(BOB)] })],
    ['a newcomer moves the room', invalid, joinOf(dave, [], { inviteSecretHash })],
    ['a device joins twice', 'the device is a member', joinOf({ ...bob, leaf: 5 })],
    [
      'a renewal before 32 entries',
      'the previous commit is too recent',
      commitBy(bob, []),
      { committer: bob.identity, entriesInEpoch: RENEWAL_INTERVAL_ENTRIES - 1 },
    ],
    [
      'a renewal by another device of the person, before 32 entries',
      'the previous commit is too recent',
      commitBy(phone, []),
      { committer: bob.identity },
    ],
    [
      'commit data in another format',
      invalid,
      { ...commitBy(bob, []), authenticatedData: new Uint8Array(3) },
    ],
    ['no commit data', invalid, { ...commitBy(bob, []), authenticatedData: new Uint8Array(0) }],
    ['a group id of another version', 'unknown group id', commitBy(bob, []), { groupId: new Uint8Array(50) }],
  ];
  test.each(refused.map(([name, refusal, ...rest]) => [name, refusal, rest] as const))(
    'refuses: %s (%s)',
    (_, refusal, rest) => {
      expect(refusalOf(...rest)).toBe(refusal);
    },
  );

  test('13: a full group refuses one member more, a group with one place less does not', () => {
    expect(refusalOf(joinOf(dave), { members: crowd(MEMBER_LIMIT) })).toBe('the group is full');
    expect(refusalOf(joinOf(dave), { members: crowd(MEMBER_LIMIT - 1) })).toBeUndefined();
  });
});

describe('a group id', () => {
  test('is parsed as it was formatted, and refused with another length, version or rule', () => {
    expect(groupId).toHaveLength(50);
    expect(parseGroupId(openGroupId)).toStrictEqual({
      removalRule: 'anyone',
      creator: alice.identity,
      random,
    });
    for (let length = 0; length < 50; length += 1)
      expect(parseGroupId(groupId.subarray(0, length))).toBeUndefined();
    expect(parseGroupId(Uint8Array.of(...groupId, 0))).toBeUndefined();
    expect(parseGroupId(Uint8Array.of(2, ...groupId.subarray(1)))).toBeUndefined();
    expect(parseGroupId(Uint8Array.of(1, 2, ...groupId.subarray(2)))).toBeUndefined();
    expect(() => formatGroupId({ removalRule: 'anyone', creator: 'AAAA', random })).toThrow(TypeError);
    expect(() =>
      formatGroupId({ removalRule: 'anyone', creator: alice.identity, random: random.subarray(1) }),
    ).toThrow(TypeError);
  });
});

describe('commit data', () => {
  const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const lastEpoch = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const anyData = fc
    .record({
      grant: fc.option(fc.record({ lastEpoch, signature: bytesOf(64) }), { nil: undefined }),
      leaves: fc.array(fc.record({ device: bytesOf(32), lastEpoch, signature: bytesOf(64) }), {
        maxLength: 3,
      }),
      inviteSecretHash: fc.option(bytesOf(32), { nil: undefined }),
    })
    .map(({ grant, leaves, inviteSecretHash: hash }) => ({
      ...(grant && { grant: { ...grant } }),
      leaves: leaves.map((each) => ({ ...each })),
      ...(hash && { inviteSecretHash: hash }),
    }));

  test('are parsed as they were formatted, and refused if they are cut short or longer', () => {
    fc.assert(
      fc.property(anyData, (data) => {
        const bytes = formatCommitData(data);
        expect(parseCommitData(bytes)).toStrictEqual(data);
        expect(parseCommitData(Uint8Array.of(...bytes, 0))).toBeUndefined();
        for (let length = 0; length < bytes.length; length += 1)
          expect(parseCommitData(bytes.subarray(0, length))).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  test('have one format each', () => {
    fc.assert(
      fc.property(anyData, fc.nat(), fc.integer({ min: 1, max: 255 }), (data, at, change) => {
        const changed = formatCommitData(data).slice();
        changed[at % changed.length]! ^= change;
        const parsed = parseCommitData(changed);
        expect(parsed === undefined ? changed : formatCommitData(parsed)).toStrictEqual(changed);
      }),
      { numRuns: 500 },
    );
  });
});

import { describe, expect, test } from '@jest/globals';
import { nobleSuite } from '../../../../src/browser/nobleSuite.js';
import { nodeSuite } from '../../../../src/crypto/nodeSuite.js';
import { concatBytes } from '../../../../streams/client/group/bytes.js';
import {
  createStarEngine,
  type CryptoSuite,
  type GroupInfo,
} from '../../../../streams/client/group/index.js';
import {
  flipBit,
  fromHex,
  hex,
  seededRandom,
  SMALL_ORDER_X25519_KEYS,
} from '../../../support/cryptoSuites.js';
import { type CommitChange, type CommitForge, createStarForge } from '../../../support/group/commitForge.js';
import { EngineGroup } from '../../../support/group/engineGroup.js';
import { createMlsCrypto } from '../../../support/group/mls/ciphersuite.js';
import { createMlsEngine } from '../../../support/group/mls/mlsEngine.js';
import { createMlsForge } from '../../../support/group/mls/mlsForge.js';
import type { TestedEngine } from '../../../support/group/testedEngine.js';
import { deviceOf } from '../../../support/groupFixture.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** What an engine does, whatever the way in which its members agree on a secret. */
const itBehavesAsAGroupEngine = <State, Info extends GroupInfo>(
  name: string,
  suite: CryptoSuite,
  engine: TestedEngine<State, Info>,
  forge: CommitForge<State>,
  { replacesOnlyMember = true } = {},
): void => {
  const device = (owner: string, label = 'laptop') => deviceOf(owner, label, suite);
  const [alice, bob, carol, dave] = [device('alice'), device('bob'), device('carol'), device('dave')];
  const groupOfThree = async () => {
    const group = await EngineGroup.create(engine, alice);
    return { group, a: group.first, b: await group.join(bob), c: await group.join(carol) };
  };
  const authenticators = async (states: readonly State[]): Promise<Set<string>> => {
    const found = new Set<string>();
    for (const state of states) found.add(hex((await engine.view(state)).epochAuthenticator));
    return found;
  };
  const agree = async (group: EngineGroup<State, Info>): Promise<void> => {
    const members = [];
    for (const { state } of group.clients) members.push((await engine.view(state)).members);
    expect(new Set(members.map((each) => JSON.stringify(each))).size).toBe(1);
    expect((await authenticators(group.clients.map(({ state }) => state))).size).toBe(1);
  };
  const failureOf = async (state: State, commit: Uint8Array): Promise<string> => {
    const result = await engine.processCommit(state, commit);
    return result.kind === 'rejected' ? result.failure : result.kind;
  };
  const throwsTypeError = async (call: () => unknown): Promise<void> => {
    await expect((async () => await call())()).rejects.toThrow(TypeError);
  };

  describe(`the engine ${name}`, () => {
    test('creates a group of one device in epoch 0', async () => {
      const state = await engine.createGroup(bytes(7, 7), alice);
      expect(await engine.view(state)).toMatchObject({
        groupId: bytes(7, 7),
        epoch: 0,
        leaf: 0,
        members: [{ leaf: 0, label: 'laptop' }],
      });
    });

    test('agrees on members, epoch and authenticator, and changes it with each commit', async () => {
      const { group, a, b, c } = await groupOfThree();
      const before = await authenticators([a.state, b.state, c.state]);
      expect(before.size).toBe(1);
      await group.commit(b);
      await agree(group);
      expect(await authenticators([a.state])).not.toStrictEqual(before);
      const view = await engine.view(c.state);
      expect(view).toMatchObject({ epoch: 3, leaf: 2, groupId: bytes(7, 7) });
      expect(view.members.map(({ leaf }) => leaf)).toStrictEqual([0, 1, 2]);
      expect(view.epochAuthenticator).toHaveLength(32);
    });

    test('describes a commit to the layer above', async () => {
      const { group, a, b, c } = await groupOfThree();
      const authenticatedData = bytes(1, 2, 3);
      const { commit } = await engine.createCommit(a.state, alice, { remove: [2], authenticatedData });
      const [, , third] = (await engine.view(b.state)).members;
      const result = await engine.processCommit(b.state, commit);
      expect(result).toMatchObject({
        kind: 'accepted',
        commit: { epoch: 2, isExternal: false, committer: { leaf: 0 }, removed: [third], authenticatedData },
      });
      expect(await engine.processCommit(c.state, commit)).toMatchObject({
        kind: 'removed',
        commit: { committer: { leaf: 0 }, removed: [third], authenticatedData },
      });
      expect(await engine.parseCommitHeader(commit)).toStrictEqual({ groupId: bytes(7, 7), epoch: 2 });

      const joined = (await engine.createExternalCommit(await group.groupInfo(), dave, {
        authenticatedData,
      }))!;
      expect(await engine.processCommit(b.state, joined.commit)).toMatchObject({
        kind: 'accepted',
        commit: {
          isExternal: true,
          committer: (await engine.view(joined.state)).members[3],
          removed: [],
          authenticatedData,
        },
      });
    });

    test('leaves the states that it was given as they were', async () => {
      const { a, b, c } = await groupOfThree();
      const before = [];
      for (const { state } of [a, b, c]) before.push(hex(await engine.formatState(state)));
      const { commit } = await engine.createCommit(a.state, alice, { remove: [2] });
      expect(await failureOf(b.state, commit)).toBe('accepted');
      expect(await failureOf(c.state, commit)).toBe('removed');
      await engine.dropExporterSecret(b.state);
      const after = [];
      for (const { state } of [a, b, c]) after.push(hex(await engine.formatState(state)));
      expect(after).toStrictEqual(before);
      expect(await failureOf(b.state, commit)).toBe('accepted');
    });

    test('exports secrets that depend on epoch, label and context', async () => {
      const { group, a, b } = await groupOfThree();
      const secret = async (state: State, label = 'a', context = bytes(1)): Promise<string> =>
        hex(await engine.exportSecret(state, label, context));
      const old = await secret(a.state);
      expect(await secret(b.state)).toBe(old);
      expect(await secret(a.state, 'b')).not.toBe(old);
      expect(await secret(a.state, 'a', bytes(2))).not.toBe(old);
      expect(await engine.exportSecret(a.state, 'a', bytes(1), 16)).toHaveLength(16);
      await group.commit(a);
      expect(await secret(b.state)).not.toBe(old);
      const dropped = await engine.dropExporterSecret(b.state);
      await expect((async () => await engine.exportSecret(dropped, 'a', bytes()))()).rejects.toThrow(
        'dropped',
      );
    });

    test('restores a formatted state, with its exporter secret unless that was dropped', async () => {
      const { group, b } = await groupOfThree();
      const secret = hex(await engine.exportSecret(b.state, 'a', bytes()));
      const formatted = await engine.formatState(b.state);
      const restored = (await engine.parseState(formatted))!;
      expect(restored).toStrictEqual(b.state);
      expect(hex(await engine.exportSecret(restored, 'a', bytes()))).toBe(secret);
      const dropped = await engine.formatState(await engine.dropExporterSecret(b.state));
      expect(dropped).toHaveLength(formatted.length - 32);
      b.state = (await engine.parseState(dropped))!;
      await expect((async () => await engine.exportSecret(b.state, 'a', bytes()))()).rejects.toThrow(
        'dropped',
      );
      await group.commit(group.first);
      await group.commit(b);
      await agree(group);
      expect(await engine.parseState(dropped.slice(1))).toBeUndefined();
      expect(await engine.parseState(dropped.slice(0, -1))).toBeUndefined();
      expect(await engine.parseState(concatBytes(dropped, bytes(0)))).toBeUndefined();
      expect(await engine.parseState(bytes())).toBeUndefined();
    });

    test('gives a removed member nothing of the next epoch', async () => {
      const { group, a, c } = await groupOfThree();
      const commit = await group.commit(a, [c]);
      expect(await failureOf(c.state, commit)).toBe('removed');
      const next = (await engine.createCommit(a.state, alice)).commit;
      expect(await engine.processCommit(c.state, next)).toStrictEqual({
        kind: 'rejected',
        failure: 'wrong epoch',
      });
      const own = await engine.createCommit(c.state, carol);
      expect(await failureOf(a.state, own.commit)).toBe('wrong epoch');
    });

    test('reuses the lowest free leaf', async () => {
      const { group, b } = await groupOfThree();
      await group.commit(group.first, [b]);
      expect((await engine.view((await group.join(dave)).state)).leaf).toBe(1);
      expect((await engine.view((await group.join(bob)).state)).leaf).toBe(3);
      await agree(group);
    });

    test('lets in a newcomer who follows the commits behind a group info', async () => {
      const { group, a, b, c } = await groupOfThree();
      let info = await group.groupInfo(b);
      const follow = async (commit: Uint8Array, signer: typeof a): Promise<void> => {
        const update = await engine.formatGroupInfoUpdate(signer.state, signer.device);
        const followed = await engine.followCommit(info, commit, update);
        if (followed.kind === 'rejected') throw new Error(followed.failure);
        info = followed.groupInfo;
      };
      await follow(await group.commit(a), a);
      await follow(await group.commit(b), b);
      await follow(await group.commit(a, [c]), a);
      expect(info).toStrictEqual(await group.groupInfo());
      const joined = (await engine.createExternalCommit(info, dave))!;
      const update = await engine.formatGroupInfoUpdate(joined.state, dave);
      const followed = await engine.followCommit(info, joined.commit, update);
      expect(followed).toMatchObject({
        kind: 'accepted',
        commit: { isExternal: true, committer: { leaf: 2 } },
      });
      const result = await engine.processCommit(b.state, joined.commit);
      if (result.kind !== 'accepted') throw new Error(result.kind);
      expect(followed).toMatchObject({ commit: result.commit });
      expect((await authenticators([result.state, joined.state])).size).toBe(1);
    });

    test('rejects a group info update of another epoch, signer or application data', async () => {
      const { group, a, b, c } = await groupOfThree();
      const info = await group.groupInfo();
      const stale = await engine.formatGroupInfoUpdate(a.state, alice);
      const commit = await group.commit(a, [c]);
      const right = await engine.formatGroupInfoUpdate(a.state, alice, bytes(5));
      expect(await engine.isGroupInfoUpdateOf(b.state, right, bytes(5))).toBe(true);
      expect(await engine.isGroupInfoUpdateOf(b.state, right)).toBe(false);
      expect((await engine.followCommit(info, commit, right)).kind).toBe('accepted');
      const byAnother = await engine.formatGroupInfoUpdate(a.state, bob, bytes(5));
      for (const wrong of [stale, byAnother, bytes(), flipBit(right, 10), concatBytes(right, bytes(0))]) {
        expect(await engine.isGroupInfoUpdateOf(b.state, wrong, bytes(5))).toBe(false);
        expect(await engine.followCommit(info, commit, wrong)).toMatchObject({
          kind: 'rejected',
          failure: 'invalid group info update',
          commit: { epoch: 2, removed: [{ leaf: 2 }] },
        });
      }
    });

    test('parses only the group info that a member signed, with all of its credentials', async () => {
      const { group, a, b } = await groupOfThree();
      const formatted = await engine.formatGroupInfo(a.state, alice, bytes(9));
      const info = (await engine.parseGroupInfo(formatted))!;
      expect(info).toMatchObject({ epoch: 2, signer: 0, applicationData: bytes(9), groupId: bytes(7, 7) });
      expect(info.members).toStrictEqual((await engine.view(b.state)).members);
      expect(await engine.isGroupInfoOf(b.state, formatted, bytes(9))).toBe(true);
      expect(await engine.isGroupInfoOf(b.state, formatted)).toBe(false);
      for (let at = 0; at < formatted.length; at += 61) {
        expect(await engine.parseGroupInfo(flipBit(formatted, at))).toBeUndefined();
        expect(await engine.isGroupInfoOf(b.state, flipBit(formatted, at), bytes(9))).toBe(false);
      }
      expect(await engine.parseGroupInfo(formatted.slice(0, -1))).toBeUndefined();
      expect(await engine.parseGroupInfo(concatBytes(formatted, bytes(0)))).toBeUndefined();
      expect(await engine.parseGroupInfo(await engine.formatGroupInfo(a.state, bob))).toBeUndefined();
      await group.commit(a);
      expect(await engine.isGroupInfoOf(b.state, formatted, bytes(9))).toBe(false);
    });

    test('a member replaces its leaf after it lost its state', async () => {
      const { group, a, b, c } = await groupOfThree();
      const info = await group.groupInfo();
      expect(await engine.createExternalCommit(info, bob)).toBeUndefined();
      const again = (await engine.createExternalCommit(info, bob, { isResync: true }))!;
      expect(await engine.processCommit(c.state, again.commit)).toMatchObject({
        kind: 'accepted',
        commit: { isExternal: true, committer: { leaf: 1 }, removed: [{ leaf: 1 }] },
      });
      expect(await engine.view(again.state)).toMatchObject({ leaf: 1, epoch: 3 });
      expect((await engine.view(again.state)).members).toHaveLength(3);
      // The lost state, should it come back, sees that it was replaced.
      expect(await failureOf(b.state, again.commit)).toBe('removed');
      const result = await engine.processCommit(a.state, again.commit);
      if (result.kind !== 'accepted') throw new Error(result.kind);
      expect((await authenticators([result.state, again.state])).size).toBe(1);
    });

    test('another device of the person replaces the leaf with its label, and no other', async () => {
      const { group } = await groupOfThree();
      const phone = await group.join(device('bob', 'phone'));
      expect((await engine.view(phone.state)).leaf).toBe(3);
      const again = (await engine.createExternalCommit(await group.groupInfo(), bob, { isResync: true }))!;
      const { members } = await engine.view(again.state);
      expect(members.map(({ leaf, label }) => [leaf, label])).toStrictEqual([
        [0, 'laptop'],
        [1, 'laptop'],
        [2, 'laptop'],
        [3, 'phone'],
      ]);
    });

    test('a resync without a leaf to replace is an ordinary join', async () => {
      const { group, b } = await groupOfThree();
      const joined = (await engine.createExternalCommit(await group.groupInfo(), dave, { isResync: true }))!;
      expect(await engine.processCommit(b.state, joined.commit)).toMatchObject({
        kind: 'accepted',
        commit: { isExternal: true, committer: { leaf: 3 }, removed: [] },
      });
    });

    test(`the only member ${replacesOnlyMember ? 'can' : 'cannot'} replace itself`, async () => {
      const group = await EngineGroup.create(engine, alice);
      const again = await engine.createExternalCommit(await group.groupInfo(), alice, { isResync: true });
      expect(again !== undefined).toBe(replacesOnlyMember);
      if (again === undefined) return;
      expect(await engine.view(again.state)).toMatchObject({ epoch: 1, leaf: 0 });
      const next = await engine.createCommit(again.state, alice);
      expect(await engine.view(next.state)).toMatchObject({ epoch: 2, leaf: 0 });
    });

    test('throws for mistakes of the caller', async () => {
      const { a, b } = await groupOfThree();
      await throwsTypeError(() => engine.createCommit(a.state, alice, { remove: [0] }));
      await throwsTypeError(() => engine.createCommit(a.state, alice, { remove: [3] }));
      await throwsTypeError(() => engine.createCommit(b.state, alice));
      await throwsTypeError(() => engine.createGroup(bytes(1), { ...dave, credential: alice.credential }));
    });

    test('rejects a commit of another group, of another epoch, and its own', async () => {
      const { group, a, b } = await groupOfThree();
      const other = await EngineGroup.create(engine, alice, bytes(8));
      await other.join(bob);
      const foreign = await engine.createCommit(other.first.state, alice);
      expect(await failureOf(b.state, foreign.commit)).toBe('wrong group');
      const staged = await engine.createCommit(a.state, alice);
      const second = await engine.createCommit(staged.state, alice);
      expect(await failureOf(b.state, second.commit)).toBe('wrong epoch');
      expect(await failureOf(a.state, staged.commit)).toBe('own commit');
      await group.commit(b);
      expect(await failureOf(b.state, staged.commit)).toBe('wrong epoch');
    });

    test('accepts any of several commits for one epoch, and the others are over with it', async () => {
      const { a, b, c } = await groupOfThree();
      const first = await engine.createCommit(a.state, alice);
      const second = await engine.createCommit(b.state, bob);
      const result = await engine.processCommit(c.state, second.commit);
      if (result.kind !== 'accepted') throw new Error(result.kind);
      expect(await failureOf(result.state, first.commit)).toBe('wrong epoch');
      const loser = await engine.processCommit(a.state, second.commit);
      if (loser.kind !== 'accepted') throw new Error(loser.kind);
      expect((await authenticators([second.state, result.state, loser.state])).size).toBe(1);
    });

    test('rejects a commit or an external commit with any byte changed, and takes the right one afterwards', async () => {
      const { group, a, b } = await groupOfThree();
      const staged = await engine.createCommit(a.state, alice, { remove: [2] });
      const joined = (await engine.createExternalCommit(await group.groupInfo(), dave))!;
      for (const { commit } of [staged, joined]) {
        for (let at = 0; at < commit.length; at += 23)
          expect((await engine.processCommit(b.state, flipBit(commit, at))).kind).toBe('rejected');
        expect(await failureOf(b.state, commit.slice(0, -1))).toBe('malformed');
        expect(await failureOf(b.state, concatBytes(commit, bytes(0)))).toBe('malformed');
        expect(await failureOf(b.state, commit)).toBe('accepted');
      }
      expect(await failureOf(b.state, bytes())).toBe('malformed');
      expect(await engine.parseCommitHeader(bytes(1))).toBeUndefined();
    });

    describe('rejects, of a dishonest committer,', () => {
      const forgery = async () => {
        const { group, a, b, c } = await groupOfThree();
        const renewal = (await engine.createCommit(a.state, alice)).commit;
        const join = (await engine.createExternalCommit(await group.groupInfo(), dave))!.commit;
        /** Why bob rejects what alice or dave changed and signed. */
        const ofAlice = async (change: CommitChange, signer = alice) =>
          failureOf(b.state, await forge(b.state, renewal, change, signer));
        const ofDave = async (change: CommitChange, signer = dave) =>
          failureOf(b.state, await forge(b.state, join, change, signer));
        return { a, b, c, renewal, join, ofAlice, ofDave };
      };

      test('nothing that is valid', async () => {
        const { ofAlice, ofDave } = await forgery();
        expect(await ofAlice({})).toBe('accepted');
        expect(await ofDave({})).toBe('accepted');
      });

      test('removals of no leaf, of the committer, of one twice or out of order', async () => {
        const { ofAlice, ofDave } = await forgery();
        for (const removed of [[3], [0], [2, 2], [2, 1], [65_535], [1, 2, 3, 4, 5]])
          expect(await ofAlice({ removed })).toBe('invalid removal');
        for (const removed of [[3], [2, 2], [1000]])
          expect(await ofDave({ removed })).toBe('invalid removal');
      });

      test('the key or credential of another member', async () => {
        const { ofAlice, ofDave } = await forgery();
        expect(await ofAlice({ credential: bob.credential })).toBe('invalid leaf');
        expect(await ofAlice({ signatureKey: carol.publicKey }, carol)).toBe('invalid leaf');
        const stolen = { signatureKey: carol.publicKey, credential: carol.credential };
        expect(await ofAlice(stolen, carol)).toBe('invalid leaf');
        expect(await ofDave(stolen, carol)).toBe('invalid leaf');
        expect(await ofDave(stolen)).toBe('invalid leaf');
      });

      test.each(SMALL_ORDER_X25519_KEYS)(
        'the encryption key %s, to which nobody could encrypt',
        async (key) => {
          const { ofAlice, ofDave } = await forgery();
          const encryptionKey = fromHex(key);
          expect(await ofAlice({ encryptionKey })).toBe('invalid leaf');
          expect(await ofDave({ encryptionKey })).toBe('invalid leaf');
        },
      );

      test('a device that no identity certifies, or another one', async () => {
        const { ofDave } = await forgery();
        const mallory = device('mallory');
        expect(await ofDave({ credential: mallory.credential })).toBe('invalid credential');
        expect(await ofDave({ signatureKey: mallory.publicKey }, mallory)).toBe('invalid credential');
        expect(await ofDave({ credential: bytes(1) })).toBe('invalid credential');
        expect(await ofDave({ credential: bytes() })).toBe('invalid credential');
      });

      test('a signature of another member', async () => {
        const { ofAlice, ofDave } = await forgery();
        expect(await ofAlice({}, carol)).toBe('invalid signature');
        expect(await ofDave({}, carol)).toBe('invalid signature');
      });

      test('other authenticated data with the same confirmation tag, which others may accept', async () => {
        const { b, renewal } = await forgery();
        const authenticatedData = bytes(1);
        const altered = await forge(b.state, renewal, { authenticatedData }, alice);
        expect(await engine.processCommit(b.state, altered)).toMatchObject({
          kind: 'rejected',
          failure: 'invalid confirmation tag',
          commit: { epoch: 2, isExternal: false, committer: { leaf: 0 }, authenticatedData },
        });
      });
    });
  });
};

const node = nodeSuite({ randomBytes: seededRandom('engine contract') });
const noble = nobleSuite({ randomBytes: seededRandom('engine contract') });

itBehavesAsAGroupEngine('star on node:crypto', node, createStarEngine(node), createStarForge(node));
itBehavesAsAGroupEngine('star on noble', noble, createStarEngine(noble), createStarForge(noble));
// The library cannot remove the last leaf of a tree.
const mlsForge = createMlsForge(await createMlsCrypto(node));
itBehavesAsAGroupEngine('MLS', node, await createMlsEngine(node), mlsForge, { replacesOnlyMember: false });

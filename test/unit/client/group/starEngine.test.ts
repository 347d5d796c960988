import { describe, expect, test } from '@jest/globals';
import { concatBytes, u16 } from '../../../../streams/client/group/bytes.js';
import {
  createHpke,
  createStarEngine,
  type Device,
  type KeyPair,
  type StarState,
} from '../../../../streams/client/group/index.js';
import { createLabelledCrypto } from '../../../../streams/client/group/labels.js';
import {
  formatCommit,
  formatCommitContent,
  formatSignedCommit,
  parseCommit,
  type CommitContent,
  verifyCommit,
} from '../../../../streams/client/group/starCommit.js';
import {
  flipBit,
  fromHex,
  hex,
  seededRandom,
  SMALL_ORDER_X25519_KEYS,
  SUITES,
} from '../../../support/cryptoSuites.js';
import { deviceOf, TestGroup } from '../../../support/groupFixture.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe.each(SUITES)('the star engine on %s', (_name, createSuite) => {
  const suite = createSuite(seededRandom('star engine'));
  const engine = createStarEngine(suite);
  const labelled = createLabelledCrypto(suite, createHpke(suite));
  const device = (name: string): Device => deviceOf(name, 'laptop', suite);
  const [alice, bob, carol, dave] = [device('alice'), device('bob'), device('carol'), device('dave')];

  const groupOfThree = () => {
    const group = new TestGroup(engine, alice);
    return { group, a: group.first, b: group.join(bob), c: group.join(carol) };
  };
  const authenticators = (states: readonly StarState[]): Set<string> =>
    new Set(states.map((state) => hex(engine.view(state).epochAuthenticator)));

  test('agrees on members, epoch and authenticator, and changes it with each commit', () => {
    const { group, a, b, c } = groupOfThree();
    const seen = authenticators([a.state, b.state, c.state]);
    expect(seen.size).toBe(1);
    group.commit(1);
    const next = authenticators([a.state, b.state, c.state]);
    expect(next.size).toBe(1);
    expect(next).not.toStrictEqual(seen);
    expect(engine.view(c.state)).toMatchObject({ epoch: 3, leaf: 2, groupId: bytes(7, 7) });
    expect(engine.view(c.state).members.map(({ leaf, label }) => [leaf, label])).toStrictEqual([
      [0, 'laptop'],
      [1, 'laptop'],
      [2, 'laptop'],
    ]);
    expect(engine.view(a.state).members).toStrictEqual(engine.view(c.state).members);
  });

  test('describes a commit to the layer above', () => {
    const { a, b, c } = groupOfThree();
    const authenticatedData = bytes(1, 2, 3);
    const { commit } = engine.createCommit(a.state, alice, { remove: [2], authenticatedData });
    const [, second, third] = engine.view(b.state).members;
    const result = engine.processCommit(b.state, commit);
    expect(result).toMatchObject({
      kind: 'accepted',
      commit: { epoch: 2, isExternal: false, committer: { leaf: 0 }, removed: [third], authenticatedData },
    });
    expect(result.kind === 'accepted' && engine.view(result.state).members).toHaveLength(2);
    expect(engine.processCommit(c.state, commit)).toMatchObject({
      kind: 'removed',
      commit: { removed: [third] },
    });
    expect(engine.parseCommitHeader(commit)).toStrictEqual({ groupId: bytes(7, 7), epoch: 2 });

    const info = engine.parseGroupInfo(engine.formatGroupInfo(a.state, alice))!;
    const joined = engine.createExternalCommit(info, dave)!;
    expect(engine.processCommit(b.state, joined.commit)).toMatchObject({
      kind: 'accepted',
      commit: { isExternal: true, committer: engine.view(joined.state).members[3], removed: [] },
    });
    expect(second).toMatchObject({ leaf: 1 });
  });

  test('exports secrets that depend on epoch, label and context', () => {
    const { group, a, b } = groupOfThree();
    const secret = (state: StarState, label = 'a', context = bytes(1)): string =>
      hex(engine.exportSecret(state, label, context));
    const old = secret(a.state);
    expect(secret(b.state)).toBe(old);
    expect(secret(a.state, 'b')).not.toBe(old);
    expect(secret(a.state, 'a', bytes(2))).not.toBe(old);
    expect(engine.exportSecret(a.state, 'a', bytes(1), 16)).toHaveLength(16);
    group.commit(0);
    expect(secret(b.state)).not.toBe(old);
    expect(() => secret(engine.dropExporterSecret(b.state))).toThrow('dropped');
  });

  test('restores a formatted state, with its exporter secret unless that was dropped', () => {
    const { group, b } = groupOfThree();
    const dropped = engine.formatState(engine.dropExporterSecret(b.state));
    expect(engine.parseState(engine.formatState(b.state))).toStrictEqual(b.state);
    expect(dropped).toHaveLength(engine.formatState(b.state).length - 32);
    b.state = engine.parseState(dropped)!;
    expect(() => engine.exportSecret(b.state, 'a', bytes())).toThrow('dropped');
    group.commit(0);
    group.commit(1);
    expect(authenticators(group.clients.map(({ state }) => state)).size).toBe(1);
    expect(engine.parseState(dropped.slice(1))).toBeUndefined();
    expect(engine.parseState(concatBytes(dropped, bytes(0)))).toBeUndefined();
    const ownLeaf = dropped.length - 131;
    expect(dropped.slice(ownLeaf, ownLeaf + 2)).toStrictEqual(u16(1));
    expect(engine.parseState(flipBit(dropped, ownLeaf))).toBeUndefined();
  });

  test('leaves nothing in a removed member from which the next epoch follows', () => {
    const { group, a, b, c } = groupOfThree();
    const commit = group.commit(0, [c]);
    expect(engine.processCommit(c.state, commit).kind).toBe('removed');
    // Both know the context in which the commit secret is encrypted. It opens with b's key only.
    const parsed = parseCommit(commit)!;
    const verified = verifyCommit(c.state.group, parsed, suite, labelled);
    const opens = (keyPair: KeyPair): boolean =>
      parsed.encryptedSecrets.some(
        (encrypted) =>
          verified.kind === 'verified' &&
          labelled.decryptWithLabel(keyPair, 'commit secret', verified.encryptionContext, encrypted) !==
            undefined,
      );
    expect(parsed.encryptedSecrets).toHaveLength(1);
    expect(opens(b.state.encryptionKey)).toBe(true);
    expect(opens(c.state.encryptionKey)).toBe(false);
    const next = engine.createCommit(a.state, alice).commit;
    expect(engine.processCommit(c.state, next)).toStrictEqual({ kind: 'rejected', failure: 'wrong epoch' });
    const formatted = hex(engine.formatState(c.state));
    for (const secret of [a.state.secrets.initSecret, a.state.secrets.externalSecret])
      expect(formatted).not.toContain(hex(secret));
  });

  test('leaves a copied state without a way to follow once its device has committed', () => {
    const { group, a, b } = groupOfThree();
    let copied = b.state;
    // A control: the copy follows the commits of others.
    const followed = engine.processCommit(copied, group.commit(0));
    if (followed.kind !== 'accepted') throw new Error(followed.kind);
    copied = followed.state;
    expect(authenticators([a.state, copied]).size).toBe(1);

    const own = group.commit(1);
    expect(engine.processCommit(copied, own)).toMatchObject({ kind: 'rejected', failure: 'own commit' });
    const parsed = parseCommit(own)!;
    const verified = verifyCommit(copied.group, parsed, suite, labelled);
    if (verified.kind !== 'verified') throw new Error(verified.kind);
    for (const encrypted of parsed.encryptedSecrets)
      expect(
        labelled.decryptWithLabel(
          copied.encryptionKey,
          'commit secret',
          verified.encryptionContext,
          encrypted,
        ),
      ).toBeUndefined();
    // Nor does the next commit open, even with what all know of the present epoch.
    const next = engine.createCommit(a.state, alice).commit;
    const forged = { ...copied, group: b.state.group };
    expect(engine.processCommit(b.state, next).kind).toBe('accepted');
    expect(engine.processCommit(forged, next)).toMatchObject({
      kind: 'rejected',
      failure: 'invalid commit secret',
    });
    // A control: what it lacks for the secret is the fresh key.
    expect(engine.processCommit({ ...forged, encryptionKey: b.state.encryptionKey }, next)).toMatchObject({
      kind: 'rejected',
      failure: 'invalid confirmation tag',
    });
  });

  test('reuses the lowest free leaf', () => {
    const { group, b } = groupOfThree();
    group.commit(0, [b]);
    expect(engine.view(group.join(dave).state).leaf).toBe(1);
    expect(engine.view(group.join(bob).state).leaf).toBe(3);
    expect(authenticators(group.clients.map(({ state }) => state)).size).toBe(1);
  });

  test('lets in a newcomer who follows the commits behind a group info', () => {
    const { group, a, b, c } = groupOfThree();
    let info = group.groupInfo(1);
    const follow = (commit: Uint8Array, signer = a): void => {
      const update = engine.formatGroupInfoUpdate(signer.state, signer.device);
      const followed = engine.followCommit(info, commit, update);
      if (followed.kind === 'rejected') throw new Error(followed.failure);
      info = followed.groupInfo;
    };
    follow(group.commit(0));
    follow(group.commit(1), b);
    follow(group.commit(0, [c]));
    expect(info).toStrictEqual(group.groupInfo());
    const joined = engine.createExternalCommit(info, dave)!;
    const result = engine.processCommit(b.state, joined.commit);
    expect(result.kind === 'accepted' && authenticators([result.state, joined.state]).size).toBe(1);
  });

  test('rejects a group info update of another epoch, key, signer or application data', () => {
    const { group, a, b, c } = groupOfThree();
    const info = group.groupInfo();
    const stale = engine.formatGroupInfoUpdate(a.state, alice);
    const commit = group.commit(0, [c]);
    const right = engine.formatGroupInfoUpdate(a.state, alice, bytes(5));
    expect(engine.isGroupInfoUpdateOf(b.state, right, bytes(5))).toBe(true);
    expect(engine.isGroupInfoUpdateOf(b.state, right)).toBe(false);
    const byRemoved = engine.formatGroupInfoUpdate({ ...a.state, leaf: 2 }, carol);
    const otherKey = engine.formatGroupInfoUpdate(
      { ...a.state, secrets: { ...a.state.secrets, externalSecret: bytes(1) } },
      alice,
    );
    for (const wrong of [stale, byRemoved, otherKey, bytes(), flipBit(right, 40)])
      expect(engine.isGroupInfoUpdateOf(b.state, wrong)).toBe(false);
    for (const wrong of [stale, byRemoved, bytes(), flipBit(right, 40), concatBytes(right, bytes(0))])
      expect(engine.followCommit(info, commit, wrong)).toMatchObject({
        kind: 'rejected',
        failure: 'invalid group info update',
        commit: { epoch: 2, removed: [{ leaf: 2 }] },
      });
    // A newcomer cannot verify the external key. The members reject its commit.
    const followed = engine.followCommit(info, commit, otherKey);
    const joined = followed.kind === 'accepted' && engine.createExternalCommit(followed.groupInfo, dave);
    expect(joined && engine.processCommit(b.state, joined.commit)).toMatchObject({
      kind: 'rejected',
      failure: 'invalid confirmation tag',
      // It can be valid for others.
      commit: { epoch: 3, isExternal: true, committer: { leaf: 2 } },
    });
  });

  test('parses only the group info that a member signed, with all of its credentials', () => {
    const { group, a, b } = groupOfThree();
    const formatted = engine.formatGroupInfo(a.state, alice, bytes(9));
    const info = engine.parseGroupInfo(formatted)!;
    expect(info).toMatchObject({ epoch: 2, signer: 0, applicationData: bytes(9) });
    expect(info.members).toStrictEqual(engine.view(b.state).members);
    expect(engine.isGroupInfoOf(b.state, formatted, bytes(9))).toBe(true);
    expect(engine.isGroupInfoOf(b.state, formatted)).toBe(false);
    for (let at = 0; at < formatted.length; at += _name === 'noble' ? 97 : 5) {
      expect(engine.parseGroupInfo(flipBit(formatted, at))).toBeUndefined();
      expect(engine.isGroupInfoOf(b.state, flipBit(formatted, at), bytes(9))).toBe(false);
    }
    expect(engine.parseGroupInfo(formatted.slice(0, -1))).toBeUndefined();
    expect(engine.parseGroupInfo(engine.formatGroupInfo(a.state, bob))).toBeUndefined();
    group.commit(0);
    expect(engine.isGroupInfoOf(b.state, formatted, bytes(9))).toBe(false);
  });

  test('a member replaces its leaf after it lost its state', () => {
    const { group, a, b, c } = groupOfThree();
    expect(engine.createExternalCommit(group.groupInfo(), bob)).toBeUndefined();
    const again = engine.createExternalCommit(group.groupInfo(), deviceOf('bob', 'laptop', suite), {
      isResync: true,
    })!;
    const result = engine.processCommit(c.state, again.commit);
    expect(result).toMatchObject({ kind: 'accepted', commit: { isExternal: true, removed: [{ leaf: 1 }] } });
    expect(engine.view(again.state)).toMatchObject({ leaf: 1 });
    expect(engine.view(again.state).members).toHaveLength(3);
    // The lost state, should it come back, sees that it was replaced.
    expect(engine.processCommit(b.state, again.commit).kind).toBe('removed');
    expect(engine.processCommit(a.state, again.commit).kind).toBe('accepted');
  });

  test('the only member can replace itself', () => {
    const group = new TestGroup(engine, alice);
    const again = engine.createExternalCommit(group.groupInfo(), alice, { isResync: true })!;
    expect(engine.view(again.state)).toMatchObject({ epoch: 1, leaf: 0 });
    expect(engine.createCommit(again.state, alice).state.group.epoch).toBe(2);
  });

  test('has 80 bytes in a commit, and 173 in a group info, for each more leaf with a label of 6 bytes', () => {
    const group = new TestGroup(engine, alice);
    const sizes = [bob, carol, dave].map((each) => {
      group.join(each);
      const { state } = group.first;
      const update = engine.formatGroupInfoUpdate(state, alice, new Uint8Array(32));
      expect(update).toHaveLength(135);
      return [engine.createCommit(state, alice).commit.length, engine.formatGroupInfo(state, alice).length];
    });
    const [[commit, info], ...more] = sizes as [[number, number], ...[number, number][]];
    expect(more).toStrictEqual([
      [commit + 80, info + 173],
      [commit + 160, info + 346],
    ]);
  });

  test('throws for mistakes of the caller', () => {
    const { a, b } = groupOfThree();
    expect(() => engine.createCommit(a.state, alice, { remove: [0] })).toThrow(TypeError);
    expect(() => engine.createCommit(a.state, alice, { remove: [3] })).toThrow(TypeError);
    expect(() => engine.createCommit(b.state, alice)).toThrow(TypeError);
    const stolen = { ...dave, credential: alice.credential };
    expect(() => engine.createGroup(bytes(1), stolen)).toThrow(TypeError);
  });

  describe('rejects', () => {
    const { group, a, b, c } = groupOfThree();
    const info = group.groupInfo();
    const staged = engine.createCommit(a.state, alice);
    const joined = engine.createExternalCommit(info, dave)!;
    const failureOf = (commit: Uint8Array, state = b.state): unknown => {
      const result = engine.processCommit(state, commit);
      return result.kind === 'rejected' ? result.failure : result.kind;
    };
    /** A commit with other content, signed by its committer and with the old confirmation tag. */
    const altered = (
      commit: Uint8Array,
      change: (content: CommitContent) => Partial<CommitContent>,
      signer = alice,
    ): Uint8Array => {
      const parsed = parseCommit(commit)!;
      const content = formatCommitContent({ ...parsed, ...change(parsed) });
      const signature = labelled.signWithLabel(signer, 'commit', formatSignedCommit(b.state.group, content));
      return formatCommit(content, signature, parsed.confirmationTag);
    };
    const withLeaf = (commit: Uint8Array, fields: Partial<CommitContent['leafNode']>, signer = alice) =>
      altered(commit, ({ leafNode }) => ({ leafNode: { ...leafNode, ...fields } }), signer);

    test('nothing that is valid', () => {
      expect(failureOf(staged.commit)).toBe('accepted');
      expect(failureOf(joined.commit)).toBe('accepted');
      expect(failureOf(altered(staged.commit, () => ({})))).toBe('accepted');
    });

    test('bytes that are not a commit', () => {
      for (const wrong of [
        bytes(),
        bytes(0, 0, 0, 1),
        staged.commit.slice(0, -1),
        concatBytes(staged.commit, bytes(0)),
      ])
        expect(failureOf(wrong)).toBe('malformed');
      expect(engine.parseCommitHeader(bytes(1))).toBeUndefined();
      expect(failureOf(flipBit(staged.commit, 4))).toBe('malformed');
      expect(failureOf(flipBit(staged.commit, 5, 3))).toBe('malformed');
      const fewer = altered(staged.commit, ({ encryptedSecrets }) => ({
        encryptedSecrets: encryptedSecrets.slice(1),
      }));
      expect(failureOf(fewer)).toBe('malformed');
      expect(failureOf(altered(staged.commit, () => ({ epoch: 2 ** 32 - 1 })))).toBe('malformed');
    });

    test('a commit of another group or epoch', () => {
      const other = new TestGroup(engine, alice, bytes(8));
      other.join(bob);
      expect(failureOf(engine.createCommit(other.first.state, alice).commit)).toBe('wrong group');
      const { state } = engine.createCommit(a.state, alice);
      expect(failureOf(engine.createCommit(state, alice).commit)).toBe('wrong epoch');
    });

    test('its own commit, which only the staged state can apply', () => {
      expect(failureOf(staged.commit, a.state)).toBe('own commit');
    });

    test('removals of no leaf, of the committer, of one twice or out of order', () => {
      for (const removed of [[3], [0], [2, 2], [2, 1], [1, 2, 3, 4, 5]])
        expect(
          failureOf(
            altered(staged.commit, () => ({ removed })),
            c.state,
          ),
        ).toBe('invalid removal');
    });

    test('a leaf of somebody else, or in the wrong place', () => {
      expect(failureOf(withLeaf(staged.commit, { index: 2 }))).toBe('invalid leaf');
      expect(failureOf(withLeaf(staged.commit, { index: 9 }))).toBe('invalid leaf');
      expect(failureOf(withLeaf(staged.commit, { credential: bob.credential }))).toBe('invalid leaf');
      expect(failureOf(withLeaf(staged.commit, { signatureKey: carol.publicKey }, carol))).toBe(
        'invalid leaf',
      );
      expect(failureOf(withLeaf(joined.commit, { index: 1 }, dave))).toBe('invalid leaf');
      expect(failureOf(withLeaf(joined.commit, { index: 4 }, dave))).toBe('invalid leaf');
      const twice = { signatureKey: carol.publicKey, credential: carol.credential };
      expect(failureOf(withLeaf(joined.commit, twice, carol))).toBe('invalid leaf');
    });

    test.each(SMALL_ORDER_X25519_KEYS)('the encryption key %s, to which nobody could encrypt', (key) => {
      const encryptionKey = fromHex(key);
      expect(failureOf(withLeaf(joined.commit, { encryptionKey }, dave))).toBe('invalid leaf');
      expect(failureOf(withLeaf(staged.commit, { encryptionKey }))).toBe('invalid leaf');
      expect(failureOf(altered(joined.commit, () => ({ externalInit: encryptionKey }), dave))).toBe(
        'invalid commit secret',
      );
      expect(engine.createExternalCommit({ ...info, externalKey: encryptionKey }, dave)).toBeUndefined();
      const [first, ...rest] = info.leaves;
      const leaves = [{ ...first!, encryptionKey }, ...rest];
      expect(engine.createExternalCommit({ ...info, leaves }, dave)).toBeUndefined();
    });

    test('an encryption key that is in use', () => {
      for (const { encryptionKey } of b.state.group.leaves)
        expect(failureOf(withLeaf(staged.commit, { encryptionKey }))).toBe('invalid leaf');
    });

    test('a device that no identity certifies, or another one', () => {
      const mallory = deviceOf('mallory', 'x', suite);
      expect(failureOf(withLeaf(joined.commit, { credential: mallory.credential }, dave))).toBe(
        'invalid credential',
      );
      expect(failureOf(withLeaf(joined.commit, { signatureKey: mallory.publicKey }, mallory))).toBe(
        'invalid credential',
      );
      expect(failureOf(withLeaf(joined.commit, { credential: bytes(1) }, dave))).toBe('invalid credential');
    });

    test('a signature of another member', () => {
      expect(failureOf(altered(staged.commit, () => ({}), carol))).toBe('invalid signature');
      expect(failureOf(flipBit(staged.commit, staged.commit.length - 40))).toBe('invalid signature');
    });

    test('another commit secret or confirmation tag', () => {
      const swapped = altered(staged.commit, ({ encryptedSecrets }) => ({
        encryptedSecrets: [...encryptedSecrets].reverse(),
      }));
      expect(failureOf(swapped)).toBe('invalid commit secret');
      expect(failureOf(flipBit(staged.commit, staged.commit.length - 1))).toBe('invalid confirmation tag');
      expect(failureOf(altered(staged.commit, () => ({ authenticatedData: bytes(1) })))).toBe(
        'invalid confirmation tag',
      );
    });

    test('what a committer encrypted wrongly for one member, and only for that one', () => {
      // Signed before the transcript: the committer itself sends it.
      const broken = createStarEngine({
        ...suite,
        aead: {
          ...suite.aead,
          seal: (() => {
            let count = 0;
            return (...[key, nonce, data, plaintext]) => {
              count += 1;
              const sealed = suite.aead.seal(key, nonce, data, plaintext);
              return count === 1 ? flipBit(sealed, 0) : sealed;
            };
          })(),
        },
      });
      const { commit } = broken.createCommit(a.state, alice);
      expect(failureOf(commit, b.state)).toBe('invalid commit secret');
      expect(failureOf(commit, c.state)).toBe('accepted');
    });
  });
});

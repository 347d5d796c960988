import { describe, expect, test } from '@jest/globals';
import {
  acceptAll,
  type Capabilities,
  type Commit,
  decodeMlsMessage,
  emptyPskIndex,
  encodeMlsMessage,
  type Hpke,
  joinGroupExternal,
  processMessage,
  type Proposal,
} from 'ts-mls';
import { nodeSuite } from '../../../../src/crypto/nodeSuite.js';
import { equalBytes } from '../../../../streams/client/group/bytes.js';
import { flipBit, hex, seededRandom } from '../../../support/cryptoSuites.js';
import { EngineGroup } from '../../../support/group/engineGroup.js';
import { CAPABILITIES, createMlsCrypto, publicKeysOf } from '../../../support/group/mls/ciphersuite.js';
import { createMlsEngine } from '../../../support/group/mls/mlsEngine.js';
import { alterMlsCommit, type MlsChange, withRemovals } from '../../../support/group/mls/mlsForge.js';
import { createKeyPackage } from '../../../support/group/mls/mlsTransition.js';
import { deviceOf } from '../../../support/groupFixture.js';

// What ts-mls 1.6.4 accepts or retains, and the engine must not.

const suite = nodeSuite({ randomBytes: seededRandom('mls engine') });
const crypto = await createMlsCrypto(suite);
const engine = await createMlsEngine(suite);
const [alice, bob, carol, dave] = ['alice', 'bob', 'carol', 'dave'].map((name) =>
  deviceOf(name, 'laptop', suite),
) as [ReturnType<typeof deviceOf>, ...ReturnType<typeof deviceOf>[]];

const { publicPackage } = await createKeyPackage(dave!, crypto);

const groupOfThree = async () => {
  const group = await EngineGroup.create(engine, alice);
  return { group, a: group.first, b: await group.join(bob!), c: await group.join(carol!) };
};

const forgery = async () => {
  const { group, a, b } = await groupOfThree();
  const renewal = (await engine.createCommit(a.state, alice)).commit;
  const join = (await engine.createExternalCommit(await group.groupInfo(), dave!))!.commit;
  const failureOf = async (commit: Uint8Array): Promise<string> => {
    const result = await engine.processCommit(b.state, commit);
    return result.kind === 'rejected' ? result.failure : result.kind;
  };
  return {
    b,
    failureOf,
    ofAlice: async (change: MlsChange) =>
      failureOf(await alterMlsCommit(b.state, renewal, change, alice, crypto, 0)),
    ofDave: async (change: MlsChange) =>
      failureOf(await alterMlsCommit(b.state, join, change, dave!, crypto, 3)),
    renewal,
  };
};

const withProposal =
  (proposal: Proposal) =>
  (commit: Commit): Commit => ({
    ...commit,
    proposals: [...commit.proposals, { proposalOrRefType: 'proposal', proposal }],
  });

/** A dishonest client whose path has a key to which nobody can encrypt. */
const poisonPath = (hpke: Hpke): Hpke => {
  let first: unknown;
  return {
    ...hpke,
    deriveKeyPair: async (secret) => {
      const keyPair = await hpke.deriveKeyPair(secret);
      first ??= keyPair.publicKey;
      return keyPair;
    },
    exportPublicKey: async (key) => (key === first ? new Uint8Array(32) : hpke.exportPublicKey(key)),
  };
};

describe('the engine MLS', () => {
  test.each([3, 7, 8, 31, 1000, 65_535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])(
    'rejects the removal of leaf %d, which is not there and would end the process',
    async (leaf) => {
      const { ofAlice, ofDave } = await forgery();
      expect(await ofDave({ commit: withRemovals([leaf]) })).toBe('invalid removal');
      expect(await ofAlice({ commit: withRemovals([leaf]) })).toBe('invalid removal');
    },
  );

  test('rejects an external commit that removes several leaves, or the last one', async () => {
    const { ofDave } = await forgery();
    expect(await ofDave({ commit: withRemovals([0, 2]) })).toBe('invalid removal');
    const single = await EngineGroup.create(engine, alice);
    const join = (await engine.createExternalCommit(await single.groupInfo(), dave!))!.commit;
    const change = { commit: withRemovals([0]) };
    const altered = await alterMlsCommit(single.first.state, join, change, dave!, crypto, 0);
    expect(await engine.processCommit(single.first.state, altered)).toMatchObject({
      failure: 'invalid removal',
    });
  });

  test('rejects a removal without a path, after which the removed member would have the next secret', async () => {
    const { ofAlice } = await forgery();
    const commit = (each: Commit): Commit => ({ ...withRemovals([2])(each), path: undefined });
    expect(await ofAlice({ commit })).toBe('malformed');
  });

  const proposals: readonly Proposal[] = [
    { proposalType: 'add', add: { keyPackage: publicPackage } },
    { proposalType: 'group_context_extensions', groupContextExtensions: { extensions: [] } },
    {
      proposalType: 'reinit',
      reinit: {
        groupId: Uint8Array.of(1),
        version: 'mls10',
        cipherSuite: 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519',
        extensions: [],
      },
    },
    {
      proposalType: 'psk',
      psk: { preSharedKeyId: { psktype: 'external', pskId: Uint8Array.of(1), pskNonce: new Uint8Array(32) } },
    },
    { proposalType: 'external_init', externalInit: { kemOutput: new Uint8Array(32) } },
  ];
  test.each(proposals.map((proposal) => [proposal.proposalType, proposal] as const))(
    'rejects a proposal of the type %s',
    async (_type, proposal) => {
      const { ofAlice, ofDave } = await forgery();
      expect(await ofAlice({ commit: withProposal(proposal) })).toBe('malformed');
      expect(await ofDave({ commit: withProposal(proposal) })).toBe('malformed');
    },
  );

  test('rejects a proposal by reference', async () => {
    const { ofAlice } = await forgery();
    const commit = (each: Commit): Commit => ({
      ...each,
      proposals: [{ proposalOrRefType: 'reference', reference: new Uint8Array(32) }],
    });
    expect(await ofAlice({ commit })).toBe('malformed');
  });

  test('rejects a path that does not fit the tree', async () => {
    const { ofAlice, ofDave } = await forgery();
    const nodesOf =
      (change: (nodes: NonNullable<Commit['path']>['nodes']) => typeof nodes) =>
      (commit: Commit): Commit => ({
        ...commit,
        path: commit.path && { ...commit.path, nodes: change(commit.path.nodes) },
      });
    const shorter = nodesOf((nodes) => nodes.slice(1));
    const withoutSecrets = nodesOf((nodes) => nodes.map((each) => ({ ...each, encryptedPathSecret: [] })));
    for (const commit of [shorter, withoutSecrets]) {
      expect(await ofAlice({ commit })).toBe('malformed');
      expect(await ofDave({ commit })).toBe('malformed');
    }
    const repeated = nodesOf((nodes) => [...nodes, ...nodes]);
    expect(await ofAlice({ commit: repeated })).toBe('invalid leaf');
  });

  const others: readonly Partial<Capabilities>[] = [
    { credentials: [] },
    { credentials: ['x509'] },
    { versions: [] },
    { ciphersuites: [] },
    { extensions: [7] },
  ];
  test.each(others)('rejects a leaf with the capabilities %j, which could stop the group', async (change) => {
    const { ofAlice, ofDave } = await forgery();
    const leaf = { capabilities: { ...CAPABILITIES, ...change } };
    expect(await ofDave({ leaf })).toBe('invalid leaf');
    expect(await ofAlice({ leaf })).toBe('invalid leaf');
  });

  test('rejects a leaf with an extension or with a certificate', async () => {
    const { ofAlice, ofDave } = await forgery();
    const extensions = [{ extensionType: 7, extensionData: Uint8Array.of(1) }];
    expect(await ofDave({ leaf: { extensions } })).toBe('invalid leaf');
    expect(await ofAlice({ leaf: { extensions } })).toBe('invalid leaf');
    const credential = { credentialType: 'x509' as const, certificates: [] };
    expect(await ofDave({ leaf: { credential } })).toBe('invalid credential');
    expect(await ofAlice({ leaf: { credential } })).toBe('invalid leaf');
  });

  test('rejects a path with a key to which nobody can encrypt', async () => {
    const { group, a, b } = await groupOfThree();
    const dishonest = await createMlsEngine(suite, { hpke: poisonPath });
    const renewal = await dishonest.createCommit(a.state, alice);
    expect(await engine.processCommit(b.state, renewal.commit)).toMatchObject({ failure: 'invalid leaf' });
    const other = await createMlsEngine(suite, { hpke: poisonPath });
    const join = await other.createExternalCommit(await group.groupInfo(), dave!);
    expect(await engine.processCommit(b.state, join!.commit)).toMatchObject({ failure: 'invalid leaf' });
  });

  test('rejects a wrong membership tag, but describes the commit, which newcomers may follow', async () => {
    const { b, renewal } = await forgery();
    const [message] = decodeMlsMessage(renewal, 0)!;
    if (message.wireformat !== 'mls_public_message' || message.publicMessage.senderType !== 'member')
      throw new Error('a public message of a member is expected');
    const { publicMessage } = message;
    const membershipTag = flipBit(publicMessage.membershipTag, 3);
    const altered = encodeMlsMessage({ ...message, publicMessage: { ...publicMessage, membershipTag } });
    expect(await engine.processCommit(b.state, altered)).toMatchObject({
      kind: 'rejected',
      failure: 'invalid confirmation tag',
      commit: { committer: { leaf: 0 } },
    });
  });

  test('rejects what a committer encrypted wrongly for one member, and only for that one', async () => {
    const { a, b, c } = await groupOfThree();
    let count = 0;
    const dishonest = await createMlsEngine(suite, {
      hpke: (hpke) => ({
        ...hpke,
        seal: async (...parameters) => {
          const sealed = await hpke.seal(...parameters);
          count += 1;
          return count === 1 ? { ...sealed, ct: flipBit(sealed.ct, 0) } : sealed;
        },
      }),
    });
    const { commit } = await dishonest.createCommit(a.state, alice);
    const kinds = [];
    for (const { state } of [b, c]) {
      const result = await engine.processCommit(state, commit);
      kinds.push(result.kind === 'rejected' ? result.failure : result.kind);
    }
    expect(kinds.sort()).toStrictEqual(['accepted', 'invalid commit secret']);
  });

  test('makes no commit for a group info with a key to which nobody can encrypt', async () => {
    const { group } = await groupOfThree();
    const info = await group.groupInfo();
    const extensions = info.message.extensions.map((each) =>
      each.extensionType === 'external_pub' ? { ...each, extensionData: new Uint8Array(32) } : each,
    );
    const poisoned = { ...info, message: { ...info.message, extensions } };
    expect(await engine.createExternalCommit(poisoned, dave!)).toBeUndefined();
  });

  test('retains no secret of an earlier epoch, of messages or of a node that is blank now', async () => {
    const { group, a, b, c } = await groupOfThree();
    const lengths = new Set<number>();
    const earlier: string[] = [];
    for (let count = 0; count < 6; count += 1) {
      for (const { state } of group.clients) {
        const { initSecret, externalSecret, exporterSecret, epochAuthenticator, membershipKey } =
          state.keySchedule;
        earlier.push(
          ...[initSecret, externalSecret, exporterSecret, epochAuthenticator, membershipKey].map(hex),
          ...Object.values(state.privatePath.privateKeys).map(hex),
        );
      }
      await group.commit(count % 2 === 0 ? a : b);
      lengths.add((await engine.formatState(a.state)).length);
    }
    expect(lengths.size).toBe(1);
    // The parent of both becomes blank.
    await group.commit(c, [b]);
    expect(a.state.ratchetTree[1]).toBeUndefined();
    for (const { state } of group.clients) {
      const formatted = hex(await engine.formatState(state));
      const { privateKeys, leafIndex } = state.privatePath;
      const current = new Set(Object.values(privateKeys).map(hex));
      for (const secret of earlier) if (!current.has(secret)) expect(formatted).not.toContain(secret);
      expect(privateKeys[leafIndex * 2]).toBeDefined();
      const publicKeys = publicKeysOf(state.ratchetTree);
      for (const key of Object.values(privateKeys))
        expect(publicKeys.some((each) => equalBytes(each, suite.x25519.publicKey(key)))).toBe(true);
    }
  });

  test('needs its checks: the library accepts a newcomer after whom nobody can join or renew', async () => {
    const { group, b } = await groupOfThree();
    const { message } = await group.groupInfo();
    const ciphersuite = crypto.ciphersuite(dave);
    const { publicPackage: keyPackage, privatePackage } = await createKeyPackage(dave!, crypto);
    const leafNode = {
      ...keyPackage.leafNode,
      capabilities: { ...CAPABILITIES, credentials: ['x509' as const] },
    };
    const joined = await joinGroupExternal(
      message,
      { ...keyPackage, leafNode },
      privatePackage,
      false,
      ciphersuite,
      undefined,
      crypto.clientConfig,
    );
    const { publicMessage } = joined;
    const commit = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage });
    expect(await engine.processCommit(b.state, commit)).toMatchObject({ failure: 'invalid leaf' });

    const process = (state: typeof b.state, bytes: Uint8Array) => {
      const [decoded] = decodeMlsMessage(bytes, 0)!;
      if (decoded.wireformat !== 'mls_public_message') throw new Error('not a public message');
      return processMessage(decoded, state, emptyPskIndex, acceptAll, crypto.ciphersuite());
    };
    const accepted = await process(b.state, commit);
    if (accepted.kind !== 'newState') throw new Error(accepted.kind);
    const renewal = await engine.createCommit(joined.newState, dave!);
    await expect(process(accepted.newState, renewal.commit)).rejects.toThrow('not supported');
  });
});

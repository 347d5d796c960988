import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nobleSuite } from '../../../../src/browser/nobleSuite.js';
import { nodeSuite } from '../../../../src/crypto/nodeSuite.js';
import {
  createHpke,
  createStarEngine,
  type CryptoSuite,
  type StarState,
} from '../../../../streams/client/group/index.js';
import { createLabelledCrypto } from '../../../../streams/client/group/labels.js';
import {
  formatCommit,
  formatSignedCommit,
  parseCommit,
} from '../../../../streams/client/group/starCommit.js';
import { flipBit, hex, seededRandom } from '../../../support/cryptoSuites.js';
import { deviceOf, TestGroup } from '../../../support/groupFixture.js';

/** A step of a schedule: a device joins by the group info of a member, or a member commits and removes others. */
type Step =
  | { readonly kind: 'join'; readonly by: number }
  | { readonly kind: 'commit'; readonly by: number; readonly removed: readonly number[] }
  | { readonly kind: 'restart'; readonly by: number };

const index = fc.nat(11);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('join' as const), by: index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      by: index,
      removed: fc.uniqueArray(index, { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), by: index }) },
);

/** Runs a schedule. Returns every commit and authenticator, in order, and all states that were removed. */
const run = (steps: readonly Step[], suite: CryptoSuite) => {
  const engine = createStarEngine(suite);
  const group = new TestGroup(engine, deviceOf('person 0', 'laptop', suite));
  const removed: StarState[] = [];
  const transcript: string[] = [];
  let deviceCount = 1;
  for (const each of steps) {
    const members = new Set(group.clients);
    if (each.kind === 'join') {
      group.join(deviceOf(`person ${deviceCount}`, 'laptop', suite), each.by);
      deviceCount += 1;
    } else if (each.kind === 'restart') {
      const client = group.client(each.by);
      client.state = engine.parseState(engine.formatState(client.state))!;
    } else {
      const committer = group.client(each.by);
      const others = [...new Set(each.removed.map((at) => group.client(at)))];
      transcript.push(
        hex(
          group.commit(
            each.by,
            others.filter((other) => other !== committer),
          ),
        ),
      );
    }
    for (const { state } of [...members].filter((member) => !group.clients.includes(member)))
      removed.push(state);
    const authenticators = group.clients.map(({ state }) => hex(engine.view(state).epochAuthenticator));
    expect(new Set(authenticators).size).toBe(1);
    transcript.push(authenticators[0]!, hex(engine.formatState(group.first.state)));
  }
  return { engine, group, removed, transcript };
};

describe('any sequence of joins, commits, removals and restarts', () => {
  test('leaves all members with the same epoch, members and secrets', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const { engine, group } = run(steps, nodeSuite({ randomBytes: seededRandom('schedule') }));
        const views = group.clients.map(({ state }) => engine.view(state));
        expect(views.map(({ leaf }) => leaf).sort((a, b) => a - b)).toStrictEqual(
          views[0]!.members.map(({ leaf }) => leaf),
        );
        for (const { epoch, members } of views)
          expect({ epoch, members }).toStrictEqual({ epoch: views[0]!.epoch, members: views[0]!.members });
        const exported = group.clients.map(({ state }) =>
          hex(engine.exportSecret(state, 'x', new Uint8Array())),
        );
        expect(new Set(exported).size).toBe(1);
      }),
      { numRuns: 12 },
    );
  });

  test('leaves those who were removed without a way to follow', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 12 }), (steps) => {
        const { engine, group, removed } = run(steps, nodeSuite({ randomBytes: seededRandom('removed') }));
        const next = engine.createCommit(group.first.state, group.first.device).commit;
        for (const state of removed) {
          expect(engine.processCommit(state, next)).toStrictEqual({
            kind: 'rejected',
            failure: 'wrong epoch',
          });
          // Even with the public part of the present epoch, the commit secret does not open.
          const forged = { ...state, group: group.first.state.group };
          const result = engine.processCommit(forged, next);
          expect(['invalid commit secret', 'own commit']).toContain(
            result.kind === 'rejected' ? result.failure : result.kind,
          );
        }
      }),
      { numRuns: 12 },
    );
  });

  test('has the same bytes on node:crypto and noble', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
        const [one, other] = [nodeSuite, nobleSuite].map(
          (create) => run(steps, create({ randomBytes: seededRandom('same') })).transcript,
        );
        expect(one).toStrictEqual(other);
      }),
      { numRuns: 5 },
    );
  });
});

describe('every altered byte of a commit is rejected', () => {
  const suite = nodeSuite({ randomBytes: seededRandom('altered') });
  const engine = createStarEngine(suite);
  const labelled = createLabelledCrypto(suite, createHpke(suite));
  const [alice, bob, carol, dave] = ['alice', 'bob', 'carol', 'dave'].map((name) =>
    deviceOf(name, 'pc', suite),
  );
  const group = new TestGroup(engine, alice!);
  const b = group.join(bob!);
  group.join(carol!);
  const commits = [
    { name: 'a renewal', signer: alice!, commit: engine.createCommit(group.first.state, alice!).commit },
    {
      name: 'a removal',
      signer: alice!,
      commit: engine.createCommit(group.first.state, alice!, {
        remove: [2],
        authenticatedData: suite.randomBytes(9),
      }).commit,
    },
    { name: 'a join', signer: dave!, commit: engine.createExternalCommit(group.groupInfo(), dave!)!.commit },
    {
      name: 'a resync',
      signer: carol!,
      commit: engine.createExternalCommit(group.groupInfo(), carol!, { isResync: true })!.commit,
    },
  ];

  test.each(commits)('in $name', ({ commit }) => {
    expect(engine.processCommit(b.state, commit).kind).toBe('accepted');
    for (let at = 0; at < commit.length; at += 1)
      expect(engine.processCommit(b.state, flipBit(commit, at, at % 8)).kind).toBe('rejected');
  });

  test.each(commits)('in $name, although its committer signs it again', ({ commit, signer }) => {
    const parsed = parseCommit(commit)!;
    // Without the secrets of the group nobody can compute another confirmation tag.
    for (let at = 0; at < parsed.content.length; at += 1) {
      const content = flipBit(parsed.content, at, at % 8);
      const signature = labelled.signWithLabel(signer, 'commit', formatSignedCommit(b.state.group, content));
      const altered = formatCommit(content, signature, parsed.confirmationTag);
      expect(engine.processCommit(b.state, altered).kind).not.toBe('accepted');
    }
  });

  test('and random bytes never make the engine throw', () => {
    const [, removal, join] = commits.map(({ commit }) => commit);
    const info = engine.formatGroupInfo(group.first.state, alice!);
    const update = engine.formatGroupInfoUpdate(group.first.state, alice!);
    const altered = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> =>
      fc
        .tuple(fc.nat(bytes.length), fc.nat(40), fc.uint8Array({ maxLength: 40 }))
        .map(([at, cut, inserted]) =>
          Uint8Array.from([...bytes.subarray(0, at), ...inserted, ...bytes.subarray(at + cut)]),
        );
    const input = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      ...[removal!, join!, info, update, engine.formatState(b.state)].map(altered),
    );
    const unaltered = new Set([removal!, join!, info, update].map(hex));
    fc.assert(
      fc.property(input, (bytes) => {
        const isUnaltered = unaltered.has(hex(bytes));
        expect(engine.processCommit(b.state, bytes).kind === 'rejected' || isUnaltered).toBe(true);
        expect(engine.parseGroupInfo(bytes) === undefined || isUnaltered).toBe(true);
        engine.parseCommitHeader(bytes);
        engine.parseState(bytes);
        expect(engine.isGroupInfoOf(b.state, bytes) && !isUnaltered).toBe(false);
        expect(engine.isGroupInfoUpdateOf(b.state, bytes) && !isUnaltered).toBe(false);
        expect(engine.followCommit(group.groupInfo(), removal!, bytes).kind).toBe('rejected');
      }),
      { numRuns: 200 },
    );
  });
});

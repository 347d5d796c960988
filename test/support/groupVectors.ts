import { createStarEngine, type CryptoSuite, type StarState } from '../../streams/client/group/index.js';
import { formatGroupContext } from '../../streams/client/group/starGroup.js';
import { encodeText } from '../../streams/wire/index.js';
import { hex, seededRandom } from './cryptoSuites.js';
import { type Client, deviceOf, seedOf } from './groupFixture.js';

const SEED = 'test vectors of group key agreement';
const EXPORT = { label: 'an exported secret', context: encodeText('a context'), length: 32 };
const APPLICATION_DATA = encodeText('application data');

/**
 * Computes the test vectors of the star engine: a group of three devices that join, renew, remove and resync.
 *
 * A second implementation can check each step by itself: as a recipient with the private keys of `members` before the
 * step, or as the committer with the bytes of `random` in their order.
 */
export const createGroupVectors = (
  createSuite: (randomBytes: CryptoSuite['randomBytes']) => CryptoSuite,
): object => {
  const seeded = seededRandom(SEED);
  let random: string[] = [];
  const suite = createSuite((lengthBytes) => {
    const bytes = seeded(lengthBytes);
    random.push(hex(bytes));
    return bytes;
  });
  const engine = createStarEngine(suite);
  const names = ['alice', 'bob', 'carol'] as const;
  const [alice, bob, carol] = [
    deviceOf('alice', 'laptop', suite),
    deviceOf('bob', 'phone', suite),
    deviceOf('carol', 'laptop', suite),
  ];
  let members: Client<StarState>[] = [];

  const describeStep = (name: string, signer: Client<StarState>, commit?: Uint8Array): object => {
    const used = random;
    random = [];
    const { group, secrets } = signer.state;
    const step = {
      name,
      random: used,
      ...(commit && { commit: hex(commit) }),
      epoch: group.epoch,
      rosterHash: hex(group.rosterHash),
      confirmedTranscriptHash: hex(group.confirmedTranscriptHash),
      groupContext: hex(formatGroupContext(group)),
      confirmationTag: hex(group.confirmationTag),
      initSecret: hex(secrets.initSecret),
      externalSecret: hex(secrets.externalSecret),
      exporterSecret: hex(secrets.exporterSecret ?? new Uint8Array()),
      epochAuthenticator: hex(secrets.epochAuthenticator),
      exportedSecret: hex(engine.exportSecret(signer.state, EXPORT.label, EXPORT.context, EXPORT.length)),
      signer: signer.state.leaf,
      groupInfo: hex(engine.formatGroupInfo(signer.state, signer.device, APPLICATION_DATA)),
      groupInfoUpdate: hex(engine.formatGroupInfoUpdate(signer.state, signer.device, APPLICATION_DATA)),
      members: members.map(({ state }) => ({
        leaf: state.leaf,
        encryptionPrivateKey: hex(state.encryptionKey.privateKey),
        state: hex(engine.formatState(state)),
      })),
    };
    return step;
  };

  /** All members but the committer process a commit. The committer comes last. */
  const follow = (commit: Uint8Array, committer: Client<StarState>): void => {
    members = [
      ...members
        .filter(({ device }) => device !== committer.device)
        .flatMap(({ device, state }) => {
          const result = engine.processCommit(state, commit);
          return result.kind === 'accepted' ? [{ device, state: result.state }] : [];
        }),
      committer,
    ];
  };
  const join = (name: string, device: Client<StarState>['device'], isResync = false): object => {
    const [first] = members;
    const info = first && engine.parseGroupInfo(engine.formatGroupInfo(first.state, first.device));
    const staged = info && engine.createExternalCommit(info, device, { isResync });
    if (staged === undefined) throw new Error('the vectors need this commit');
    const client = { device, state: staged.state };
    follow(staged.commit, client);
    return describeStep(name, client, staged.commit);
  };
  const commit = (name: string, by: Client<StarState>['device'], remove: readonly number[]): object => {
    const committer = members.find(({ device }) => device === by);
    if (committer === undefined) throw new Error('the vectors need this member');
    const staged = engine.createCommit(committer.state, by, { remove, authenticatedData: encodeText(name) });
    const client = { device: by, state: staged.state };
    follow(staged.commit, client);
    return describeStep(name, client, staged.commit);
  };

  members = [{ device: alice, state: engine.createGroup(encodeText('a group'), alice) }];
  return {
    about: 'Test vectors of the star engine. scripts/groupVectors.mjs writes them.',
    groupId: hex(encodeText('a group')),
    export: { ...EXPORT, context: hex(EXPORT.context) },
    applicationData: hex(APPLICATION_DATA),
    devices: [alice, bob, carol].map((device, at) => {
      const owner = names[at] ?? '';
      const label = owner === 'bob' ? 'phone' : 'laptop';
      return {
        owner,
        label,
        identitySeed: hex(seedOf(`identity ${owner}`, suite)),
        deviceSeed: hex(seedOf(`device ${owner} ${label}`, suite)),
        devicePublicKey: hex(device.publicKey),
        credential: hex(device.credential),
      };
    }),
    steps: [
      ...members.map((first) => describeStep('alice creates the group', first)),
      join('bob joins', bob),
      join('carol joins', carol),
      commit('bob renews', bob, []),
      commit('alice removes bob', alice, [1]),
      join('carol resyncs', carol, true),
    ],
  };
};

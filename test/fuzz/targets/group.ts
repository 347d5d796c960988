import { nodeSuite } from '../../../src/crypto/nodeSuite.js';
import { createHpke, createStarEngine } from '../../../streams/client/group/index.js';
import { createLabelledCrypto } from '../../../streams/client/group/labels.js';
import { formatCommit, formatSignedCommit, parseCommit } from '../../../streams/client/group/starCommit.js';
import { seededRandom } from '../../support/cryptoSuites.js';
import { deviceOf, TestGroup } from '../../support/groupFixture.js';
import type { Target } from '../campaign.js';
import { ensure } from './expectations.js';

const suite = nodeSuite({ randomBytes: seededRandom('fuzz') });
const engine = createStarEngine(suite);
const { signWithLabel } = createLabelledCrypto(suite, createHpke(suite));
const [alice, bob, carol, dave] = [
  deviceOf('alice', 'pc', suite),
  deviceOf('bob', 'pc', suite),
  deviceOf('carol', 'pc', suite),
  deviceOf('dave', 'pc', suite),
];
const group = new TestGroup(engine, alice);
const receiver = group.join(bob);
group.join(carol);
const groupInfo = group.groupInfo();
const renewal = engine.createCommit(group.first.state, alice).commit;
const removal = engine.createCommit(group.first.state, alice, {
  remove: [2],
  authenticatedData: suite.randomBytes(8),
}).commit;
const join = engine.createExternalCommit(groupInfo, dave)?.commit ?? new Uint8Array();
const COMMITS = [renewal, removal, join].map((commit) => Buffer.from(commit));
const CONTENTS = COMMITS.map((commit) => Buffer.from(parseCommit(commit)?.content ?? commit));
const INFO = Buffer.from(engine.formatGroupInfo(group.first.state, alice));
const UPDATE = Buffer.from(engine.formatGroupInfoUpdate(group.first.state, alice));
const isOneOf = (all: readonly Buffer[], input: Buffer): boolean => all.some((each) => each.equals(input));

/** The inputs of the corpus by their files, so that they can be written again after a change of the format. */
export const GROUP_CORPUS: Readonly<Record<string, Buffer>> = {
  'groupCommits/renewal.b64': COMMITS[0] ?? INFO,
  'groupCommits/removal.b64': COMMITS[1] ?? INFO,
  'groupCommits/join.b64': COMMITS[2] ?? INFO,
  'groupContents/renewal.b64': CONTENTS[0] ?? INFO,
  'groupContents/removal.b64': CONTENTS[1] ?? INFO,
  'groupContents/join.b64': CONTENTS[2] ?? INFO,
  'groupInfos/info.b64': INFO,
  'groupInfos/update.b64': UPDATE,
  'groupInfos/state.b64': Buffer.from(engine.formatState(receiver.state)),
};

const DICTIONARY = ['\u0000\u0001', '\u0000\u0000\u0000\u0020', '\u0001\u0002', '\u00ff\u00ff\u00ff\u00fe'];

/** Commits as they come from the network. */
const commits: Target = {
  name: 'groupCommits',
  dictionary: DICTIONARY,
  run: (input) => {
    engine.parseCommitHeader(input);
    const result = engine.processCommit(receiver.state, input);
    const followed = engine.followCommit(groupInfo, input, UPDATE);
    ensure(result.kind === 'rejected' || isOneOf(COMMITS, input), 'only a commit of a device is accepted');
    ensure(followed.kind === 'rejected', 'an update of another epoch is rejected');
    return result.kind === 'rejected' ? result.failure : result.kind;
  },
};

/** Commits with another content, which their committer signs: a member without the secrets of the group. */
const contents: Target = {
  name: 'groupContents',
  dictionary: DICTIONARY,
  run: (input) =>
    [alice, carol, dave]
      .map((signer) => {
        const signature = signWithLabel(signer, 'commit', formatSignedCommit(receiver.state.group, input));
        const outcomes = COMMITS.map((commit) => {
          const altered = formatCommit(input, signature, commit.subarray(-32));
          const result = engine.processCommit(receiver.state, altered);
          ensure(
            result.kind !== 'accepted' || isOneOf(CONTENTS, input),
            'a content has one confirmation tag',
          );
          return result.kind === 'rejected' ? result.failure : result.kind;
        });
        return outcomes.join();
      })
      .join('; '),
};

/** Group infos, their updates, and states. */
const infos: Target = {
  name: 'groupInfos',
  dictionary: DICTIONARY,
  run: (input) => {
    const info = engine.parseGroupInfo(input);
    const state = engine.parseState(input);
    const isInfo = engine.isGroupInfoOf(receiver.state, input);
    const isUpdate = engine.isGroupInfoUpdateOf(receiver.state, input);
    ensure((info !== undefined) === input.equals(INFO), 'only the group info that a member signed is parsed');
    ensure(isInfo === input.equals(INFO), 'only the right group info is right');
    ensure(isUpdate === input.equals(UPDATE), 'only the right update is right');
    ensure(
      state === undefined || Buffer.from(engine.formatState(state)).equals(input),
      'a state has one format',
    );
    return `${isInfo} ${isUpdate} ${state !== undefined}`;
  },
};

export const groupTargets: readonly Target[] = [commits, contents, infos];

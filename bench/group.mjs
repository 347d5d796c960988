/**
 * Measures the engine of group key agreement at several numbers of members: the CPU time and the bytes of a join, a
 * commit and a removal, and the time to process one. Each member joined by itself. Prints medians in Markdown.
 *
 *   npm run bench:group -- [--members N,N,...] [--rounds N] [--noble]
 */
import { parseArgs } from 'node:util';
import { nobleSuite } from '../dist/src/browser/nobleSuite.js';
import { nodeSuite } from '../dist/src/crypto/nodeSuite.js';
import { createDevice } from '../dist/streams/client/group/credential.js';
import { createStarEngine } from '../dist/streams/client/group/index.js';
import { toBase64url } from '../dist/streams/wire/encoding.js';

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '10,50,100,200' },
    rounds: { type: 'string', default: '9' },
    noble: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const suite = values.noble ? nobleSuite() : nodeSuite();
const engine = createStarEngine(suite);
/** As many bytes as the public key that a room puts into its group infos. */
const applicationData = new Uint8Array(32);

const createTestDevice = () => {
  const identity = suite.ed25519.signingKey(suite.randomBytes(32));
  return createDevice(
    suite.ed25519.signingKey(suite.randomBytes(32)),
    { key: toBase64url(identity.publicKey), sign: (message) => toBase64url(identity.sign(message)) },
    'laptop',
  );
};

/** Returns the median CPU time of a call in ms. */
const measure = (call) => {
  const times = Array.from({ length: rounds }, () => {
    const start = process.cpuUsage();
    call();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  return times.sort((one, other) => one - other)[rounds >> 1].toFixed(1);
};

const accept = (result) => {
  if (result.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(result)}`);
  return result;
};

console.log('| members | join | process | commit | process | removal | group info | update | state |');
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const count of values.members.split(',').map(Number)) {
  const [creator, other, newcomer] = [createTestDevice(), createTestDevice(), createTestDevice()];
  let state = engine.createGroup(new Uint8Array(50), creator);
  let info = engine.parseGroupInfo(engine.formatGroupInfo(state, creator, applicationData));
  let follower;
  for (let joined = 1; joined < count; joined += 1) {
    const device = joined === 1 ? other : createTestDevice();
    const staged = engine.createExternalCommit(info, device);
    state = accept(engine.processCommit(state, staged.commit)).state;
    follower = joined === 1 ? staged.state : accept(engine.processCommit(follower, staged.commit)).state;
    const update = engine.formatGroupInfoUpdate(staged.state, device, applicationData);
    info = accept(engine.followCommit(info, staged.commit, update)).groupInfo;
  }
  const groupInfo = engine.formatGroupInfo(state, creator, applicationData);
  const join = engine.createExternalCommit(info, newcomer).commit;
  const { commit } = engine.createCommit(state, creator);
  const removal = engine.createCommit(state, creator, { remove: [count - 1] }).commit;
  const cells = [
    count,
    `${measure(() => engine.createExternalCommit(engine.parseGroupInfo(groupInfo), newcomer))} ms, ${join.length} B`,
    `${measure(() => engine.processCommit(follower, join))} ms`,
    `${measure(() => engine.createCommit(state, creator))} ms, ${commit.length} B`,
    `${measure(() => engine.processCommit(follower, commit))} ms`,
    `${removal.length} B`,
    `${groupInfo.length} B`,
    `${engine.formatGroupInfoUpdate(state, creator, applicationData).length} B`,
    `${engine.formatState(engine.dropExporterSecret(state)).length} B`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

/** The CPU time and the bytes of joins, commits and removals. */
import { medianCpuMs } from './cpu.mjs';
import { createTestDevice } from './room.mjs';

const requireAccepted = (result) => {
  if (result.kind !== 'accepted') throw new Error(`not accepted: ${result.failure ?? result.kind}`);
};

/** Measures the engine in a room of its creator and at least two readers more, who process what is staged. */
export const measureHandshakes = ({ engine, suite, creator, devices, groupInfo }, follower, rounds) => {
  const newcomer = createTestDevice(suite);
  const { device } = creator.context;
  const { engineState } = creator.session.state.epoch;
  const followerState = follower.session.state.epoch.engineState;
  const { applicationData } = groupInfo();
  const info = engine.formatGroupInfo(engineState, device, applicationData);
  const join = engine.createExternalCommit(groupInfo(), newcomer).commit;
  const { commit } = engine.createCommit(engineState, device);
  const removal = engine.createCommit(engineState, device, { remove: [devices.length - 1] }).commit;
  for (const each of [join, commit, removal]) requireAccepted(engine.processCommit(followerState, each));
  const ms = (call) => medianCpuMs(rounds, call);
  return {
    join: {
      bytes: join.length,
      ms: ms(() => engine.createExternalCommit(engine.parseGroupInfo(info), newcomer)),
    },
    processJoin: { ms: ms(() => engine.processCommit(followerState, join)) },
    commit: { bytes: commit.length, ms: ms(() => engine.createCommit(engineState, device)) },
    processCommit: { ms: ms(() => engine.processCommit(followerState, commit)) },
    removal: { bytes: removal.length },
    groupInfo: { bytes: info.length },
  };
};

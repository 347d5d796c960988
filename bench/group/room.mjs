/** A group room without a relay, for benchmarks: sessions of devices, and the tokens that they read. */
import { nodeCipher } from '../../dist/src/crypto/nodeCipher.js';
import { formatCommitData, NO_COMMIT_DATA } from '../../dist/streams/client/group/commitData.js';
import { createDevice } from '../../dist/streams/client/group/credential.js';
import { formatGroupId } from '../../dist/streams/client/group/groupId.js';
import { createGroupSession } from '../../dist/streams/client/group/groupSession.js';
import { createNewcomer } from '../../dist/streams/client/group/groupState.js';
import { ownMember } from '../../dist/streams/client/group/handshakeNeed.js';
import { createHpke, createStarEngine } from '../../dist/streams/client/group/index.js';
import { stageCommit, stageGroup, stageJoin } from '../../dist/streams/client/group/stageHandshake.js';
import { asFernetKey } from '../../dist/streams/client/index.js';
import { toBase64url } from '../../dist/streams/wire/index.js';
import { expectEvent } from './checks.mjs';

export const DAY_MS = 24 * 60 * 60 * 1000;
/** When the room is created, in ms since 1970. */
export const START_MS = Date.UTC(2026, 0, 1);

const identityOf = (suite) => {
  const { publicKey, sign } = suite.ed25519.signingKey(suite.randomBytes(32));
  return { key: toBase64url(publicKey), sign: (message) => toBase64url(sign(message)) };
};

/** Creates a device, by default that of a new person. */
export const createTestDevice = (suite, identity = identityOf(suite)) =>
  createDevice(suite.ed25519.signingKey(suite.randomBytes(32)), identity, 'laptop');

const requireStaged = (result) => {
  if (typeof result === 'string') throw new Error(`not staged: ${result}`);
  return result;
};

/**
 * Creates a room of one member, its creator, who forgets each key once it was used. Each handshake is read by all of
 * `readers`, and throws unless each of them takes it as expected.
 */
export const createRoom = (suite) => {
  const engine = createStarEngine(suite);
  const cipher = nodeCipher();
  const identity = identityOf(suite);
  const random = suite.randomBytes(16);
  const groupId = formatGroupId({ removalRule: 'creator', creator: identity.key, random });
  const outerKey = asFernetKey(suite.randomBytes(32));
  const shared = {
    suite,
    hpke: createHpke(suite),
    cipher,
    engine,
    slot: 0,
    groupIdHash: suite.sha256(groupId),
  };
  const clock = { timeMs: START_MS };
  let position = 0;

  const contextOf = (device, forgetMs = 0) => ({ ...shared, device, forgetMs });
  const openSession = (context, state) => ({
    context,
    session: createGroupSession({
      context,
      state,
      outerKey,
      deriveOuterKey: () => outerKey,
      now: () => clock.timeMs,
    }),
  });

  const creator = openSession(contextOf(createTestDevice(suite, identity)), createNewcomer());
  /** Reads the handshakes as a device that does not join, so that newcomers join from its state. */
  const onlooker = openSession(contextOf(createTestDevice(suite)), createNewcomer());
  const readers = [creator];
  const devices = [creator.context.device];

  const toEntry = (token) => {
    position += 1;
    return { type: 'token', position, token };
  };
  const write = (frame, type) => {
    const entry = toEntry(creator.session.sealHandshake(frame, clock.timeMs));
    for (const { session } of readers) expectEvent(session.open(entry), type);
    onlooker.session.open(entry);
    return entry;
  };

  const creation = requireStaged(stageGroup(creator.context, creator.session.state, groupId));
  creator.session.update(creation.state);
  write(creation.frame, 'epoch');

  return {
    engine,
    suite,
    clock,
    creator,
    readers,
    /** The devices of the members, by leaf. */
    devices,
    contextOf,
    openSession,
    toEntry,
    /** The group info that newcomers have. */
    groupInfo: () => onlooker.session.state.groupInfo,
    /** Joins a new device, and returns its session. It reads only this handshake, unless it becomes a reader. */
    join: () => {
      const device = createTestDevice(suite);
      const { state, frame } = requireStaged(stageJoin(contextOf(device), onlooker.session.state));
      const member = openSession(contextOf(device), state);
      expectEvent(member.session.open(write(frame, 'epoch')), 'epoch');
      devices.push(device);
      return member;
    },
    /** Tries to join one device more: returns why it cannot, and why the members reject it if it tries all the same. */
    joinBeyondLimit: () => {
      const device = createTestDevice(suite);
      const refusal = stageJoin(contextOf(device), onlooker.session.state);
      if (typeof refusal !== 'string') throw new Error('a device more than the limit can join');
      const authenticatedData = formatCommitData(NO_COMMIT_DATA);
      const { commit } = engine.createExternalCommit(onlooker.session.state.groupInfo, device, {
        authenticatedData,
      });
      const frame = {
        type: 'commit',
        commit,
        groupInfoUpdate: new Uint8Array(0),
        sealedInviteSecret: new Uint8Array(0),
      };
      const entry = toEntry(creator.session.sealHandshake(frame, clock.timeMs));
      const rejection = creator.session.open(entry).find(({ type }) => type === 'rejected')?.reason;
      if (rejection !== refusal)
        throw new Error(`the members take a device more than the limit: ${rejection}`);
      return refusal;
    },
    /** Renews the keys of one of some members, who are readers: of one whose commit is not the last. */
    renew: (members) => {
      const { committer } = creator.session.state.epoch;
      const { context, session } = members.find(
        (each) => ownMember(each.session.state).identity !== committer,
      );
      const { state, frame } = requireStaged(stageCommit(context, session.state, {}));
      session.update(state);
      return write(frame, 'epoch');
    },
  };
};

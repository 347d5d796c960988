import { afterAll, expect, test } from '@jest/globals';
import type { Token } from '../../../streams/client/envelope/cipher.js';
import { applyFrame } from '../../../streams/client/group/applyFrame.js';
import type { Frame } from '../../../streams/client/group/frame.js';
import type { GroupInfo } from '../../../streams/client/group/index.js';
import { nodeSuite } from '../../../src/crypto/nodeSuite.js';
import { flipBit, seededRandom } from '../../support/cryptoSuites.js';
import { createWorkerEngine } from '../../support/group/mls/workerEngine.js';
import { epochOf, type SessionDevice } from '../../support/group/sessionDevice.js';
import { commitFrame, partsOf, sessionRoomOfThree } from '../../support/group/sessionRoom.js';

// test/fuzz/groupHandshakes.test.ts bends those of the star engine, also by field and with new signatures.

const MEMBERSHIP_TAG_BYTES = 32;

const { engine, attacker, close } = createWorkerEngine();
afterAll(close);

const applied = <State, Info extends GroupInfo>(
  { context, session: { state } }: SessionDevice<State, Info>,
  frame: Frame,
  position: number,
) => applyFrame(context, state, { position, token: 'token' as Token, frame, timeMs: 0 });

/** A field with one bit flipped, once for each of its bytes. */
const bent = (bytes: Uint8Array): readonly Uint8Array[] =>
  Array.from(bytes, (_, at) => flipBit(bytes, at, at % 8));

test('26: a handshake of MLS that is bent at any byte counts for no member and no newcomer', () => {
  const suite = nodeSuite({ randomBytes: seededRandom('bent handshakes') });
  const { room, alice, bob } = sessionRoomOfThree({ suite, engine, attacker });
  const [dave, erin] = [room.device('dave'), room.device('erin')];
  room.read(dave, erin);
  /** A frame that is right in this epoch, and is in no log. */
  const staged = (stage: () => Frame): Frame => {
    const frame = stage();
    room.log.pop();
    return frame;
  };
  const renewal = partsOf(staged(() => room.commit(room.copy(alice))));
  const join = partsOf(staged(() => room.join(room.copy(erin))));
  const groupInfo = staged(() => room.postGroupInfo(alice));
  const position = room.log.length + 1;
  const epochAfter = (commit: Uint8Array, update: Uint8Array): number | string => {
    const { state } = applied(bob, commitFrame(commit, update), position);
    return state.phase === 'member' ? state.epoch.view.epoch : state.phase;
  };
  const epochKnown = (commit: Uint8Array, update: Uint8Array): number | undefined => {
    const { state } = applied(dave, commitFrame(commit, update), position);
    return state.phase === 'newcomer' ? state.groupInfo?.epoch : undefined;
  };

  for (const { commit, groupInfoUpdate } of [renewal, join]) {
    // A control: the right one counts.
    expect([epochAfter(commit, groupInfoUpdate), epochKnown(commit, groupInfoUpdate)]).toStrictEqual([3, 3]);
    // A commit of a member ends with a tag that newcomers cannot check. The star engine has no such tag.
    const tagStart = commit.length - (commit === join.commit ? 0 : MEMBERSHIP_TAG_BYTES);
    for (const [at, each] of bent(commit).entries())
      expect([at, epochAfter(each, groupInfoUpdate), epochKnown(each, groupInfoUpdate)]).toStrictEqual([
        at,
        2,
        at < tagStart ? 2 : 3,
      ]);
    for (const each of bent(groupInfoUpdate))
      expect([epochAfter(commit, each), epochKnown(commit, each)]).toStrictEqual([2, 2]);
  }
  if (groupInfo.type !== 'groupInfo') throw new TypeError('a group info');
  const frank = room.device('frank');
  expect(applied(frank, groupInfo, position).state).toMatchObject({ groupInfo: { epoch: 2 } });
  for (const each of bent(groupInfo.groupInfo)) {
    const { state } = applied(frank, { type: 'groupInfo', groupInfo: each }, position);
    expect(state).toMatchObject({ phase: 'newcomer', groupInfo: undefined });
  }
  expect(epochOf(bob)).toBe(2);
}, 300_000);

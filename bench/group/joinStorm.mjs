/** Many devices join a group room at the same moment, over a relay in memory and on virtual time. */
import { strictEqual } from 'node:assert';
import { asyncScheduler, EMPTY, NEVER, timer } from 'rxjs';
import { nodeCipher } from '../../dist/src/crypto/nodeCipher.js';
import { createIdentity } from '../../dist/src/crypto/nodeKeys.js';
import { nodeSuite } from '../../dist/src/crypto/nodeSuite.js';
import { sha256 } from '../../dist/src/crypto/nodeVerify.js';
import { createGroup } from '../../dist/src/platform/createGroup.js';
import { joinGroupRoom } from '../../dist/src/platform/joinGroupRoom.js';
import { FAKE_INVITE, fakePlatform, fakeRelay, marbles } from '../../dist/src/testing/index.js';
import { createDevice } from '../../dist/streams/client/group/index.js';
import { expectOneGroup } from './checks.mjs';

const START_MS = 10_000;
const END_MS = 10 * 60 * 1000;

/**
 * Joins `count` devices at once to a room of one member. All messages take `latencyMs` in each direction; computing takes
 * no time. Returns what the log has and how long it took; throws unless all are in one group in the end.
 */
export const joinAtOnce = ({ count, latencyMs, random }) => {
  const suite = nodeSuite();
  const cipher = nodeCipher();
  const joinedMs = [];
  const roomCodes = [];
  const log = { commits: 0, lost: 0, groupInfos: 0, bytes: 0 };
  marbles(
    () => {
      const relay = fakeRelay({ latencyMs });
      const platform = {
        ...fakePlatform(relay),
        cipher: () => cipher,
        suite: () => suite,
        hash: sha256,
        randomBytes: suite.randomBytes,
        random,
      };
      const creator = createIdentity();
      const { invite, groupId } = createGroup(
        platform,
        { ...FAKE_INVITE, secret: suite.randomBytes(32) },
        creator,
      );

      const join = (who, { identity, role, options }) => {
        const device = createDevice(suite.ed25519.signingKey(suite.randomBytes(32)), identity, 'laptop');
        const group = { device, role, save: () => EMPTY };
        return NEVER.pipe(
          joinGroupRoom(platform, invite, {
            nick: `nick${who}`,
            identity,
            sharesNick: false,
            group,
            ...options,
          }),
        );
      };
      const note = (who) => (event) => {
        if (event.type !== 'epoch') return;
        roomCodes[who] = { code: event.code, members: event.members.length };
        if (event.own && event.change === 'joined') joinedMs.push(asyncScheduler.now() - START_MS);
      };
      const fail = (error) => {
        throw error;
      };

      const counting = {
        ...cipher,
        open: (key, token) => {
          log.bytes += token.length;
          return cipher.open(key, token);
        },
      };
      const settings = {
        identity: creator,
        role: { type: 'creator', groupId },
        options: { cipher: counting },
      };
      join(0, settings).subscribe({
        next: (event) => {
          note(0)(event);
          if (event.type === 'epoch' && event.change === 'joined') log.commits += 1;
          if (event.type === 'void') log.lost += 1;
          if (event.type === 'handshake') log.groupInfos += 1;
        },
        error: fail,
      });
      timer(START_MS).subscribe(() => {
        log.bytes = 0;
        for (let who = 1; who <= count; who += 1)
          join(who, { identity: createIdentity() }).subscribe({ next: note(who), error: fail });
      });
      timer(END_MS).subscribe(() => relay.stop());
    },
    { equal: strictEqual, untilMs: END_MS + 1 },
  );
  expectOneGroup(roomCodes, count + 1);
  strictEqual(log.commits, count, 'each device joined once');
  return { ...log, firstMs: Math.min(...joinedMs), allInMs: Math.max(...joinedMs) };
};

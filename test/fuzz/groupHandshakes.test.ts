import { describe, expect, test } from '@jest/globals';
import type { Token } from '../../streams/client/envelope/cipher.js';
import { applyFrame } from '../../streams/client/group/applyFrame.js';
import { concatBytes } from '../../streams/client/group/bytes.js';
import { type CommitFrame, type Frame, formatFrame, parseFrame } from '../../streams/client/group/frame.js';
import { stageLeave } from '../../streams/client/group/leaving.js';
import type { StarGroupInfo, StarState } from '../../streams/client/group/index.js';
import { isMove } from '../../streams/client/group/missedCommit.js';
import { parseCommit, verifyCommit } from '../../streams/client/group/starCommit.js';
import { formatPublicGroup } from '../../streams/client/group/starGroup.js';
import { seededRandom, SUITES } from '../support/cryptoSuites.js';
import { bendCommit, bendFrame, forgeUpdate } from '../support/group/bendHandshake.js';
import {
  authenticatorOf,
  engineStateOf,
  epochOf,
  leafOf,
  memberOf,
  type SessionDevice,
} from '../support/group/sessionDevice.js';
import { sessionRoomOfThree } from '../support/group/sessionRoom.js';
import { attackedStar, starCryptoOf } from '../support/group/starAttacker.js';
import { chooseSeed } from '../support/seed.js';
import { mutate } from './mutate.js';
import { type Random, random } from './random.js';

/** Bent handshakes with `node:crypto`; more with `RXCHAT_FUZZ_HANDSHAKES=1000000`. With noble each 50th of them. */
const CASES = Number(process.env['RXCHAT_FUZZ_HANDSHAKES'] ?? 100_000);
/** What one handshake may cost, in ms of the processor. A right one costs less than 10 with `node:crypto`. */
const CPU_LIMIT_MS = 1000;

/** From this number on each reason for which a handshake can be rejected is among them. */
const MIN_CASES = 10_000;
const REASONS = [
  'malformed',
  'wrong group',
  'invalid removal',
  'invalid leaf',
  'invalid credential',
  'invalid signature',
  'invalid commit data',
  'invalid commit secret',
  'invalid confirmation tag',
  'invalid group info',
  'invalid group info update',
];

const seed = chooseSeed(1);

describe.each(SUITES.map(([name, createSuite]) => [name, createSuite] as const))(
  'bent handshakes on %s',
  (name, createSuite) => {
    const attacked = attackedStar(createSuite(seededRandom('bent handshakes')));
    const { room, alice, bob, carol } = sessionRoomOfThree(attacked);
    const [dave, erin] = [room.device('dave'), room.device('erin')];
    room.read(dave, erin);
    const { group } = engineStateOf(alice);
    const crypto = starCryptoOf(room.suite);
    /** A frame that is right in this epoch. Its device stays as it is. */
    const staged = (
      device: SessionDevice<StarState, StarGroupInfo>,
      stage: (copy: SessionDevice<StarState, StarGroupInfo>) => Frame,
    ): Frame => {
      const frame = stage(room.copy(device));
      room.log.pop();
      return frame;
    };
    const renewal = staged(alice, (copy) => room.commit(copy)) as CommitFrame;
    const removal = staged(alice, (copy) => room.commit(copy, { remove: [leafOf(carol)] })) as CommitFrame;
    const inviteSecret = new Uint8Array(32).fill(7);
    const move = staged(alice, (copy) =>
      room.commit(copy, { remove: [leafOf(carol)], inviteSecret }),
    ) as CommitFrame;
    const join = staged(erin, (copy) => room.join(copy)) as CommitFrame;
    const groupInfo = staged(alice, (copy) => room.postGroupInfo(copy));
    const leave = stageLeave(carol.context, memberOf(carol));
    const commits = [renewal, removal, move, join];
    const frames: readonly Frame[] = [...commits, groupInfo, leave, room.frameAt(1)];
    const devices = [alice, carol, erin].map(({ context }) => context.device);
    const context = { group, devices, crypto };
    const readers = [bob, dave];
    const position = room.log.length + 1;

    const read = (device: SessionDevice<StarState, StarGroupInfo>, frame: Frame) =>
      applyFrame(device.context, device.session.state, {
        position,
        token: 'token' as Token,
        frame,
        timeMs: 0,
      });
    const isAccepted = (frame: Frame): boolean => {
      const { state, events } = read(bob, frame);
      return (
        state.phase !== 'member' ||
        state.epoch.view.epoch !== epochOf(bob) ||
        events.some(({ type }) => ['epoch', 'removed', 'leaving'].includes(type))
      );
    };

    /**
     * Whether the creator signed a removal or a move. Those whom it removes have no secret that shows that it is invalid,
     * and those who cannot apply a move do not know the next invite.
     */
    const endsMembership = (frame: Frame): boolean => {
      const parsed = frame.type === 'commit' ? parseCommit(frame.commit) : undefined;
      const verified = parsed && verifyCommit(group, parsed, room.suite, crypto.labelled);
      if (verified?.kind !== 'verified') return false;
      const { committer, removed } = verified.commit;
      return (
        committer.identity === alice.identity.key &&
        (isMove(verified.commit) || removed.some(({ leaf }) => leaf === leafOf(bob)))
      );
    };
    /** Lets a device read a frame. Returns the outcome, or throws an `Error` with what is wrong. */
    const check = (
      reader: SessionDevice<StarState, StarGroupInfo>,
      frame: Frame,
      isRight: boolean,
    ): string => {
      const { state, events } = read(reader, frame);
      if (state.phase !== reader.session.state.phase && !isRight && !endsMembership(frame))
        throw new Error(`a ${state.phase} now`);
      if (state.phase === 'member' && !isRight) {
        if (state.epoch.view.epoch !== epochOf(bob)) throw new Error('a bent commit is accepted');
        if (events.some(({ type }) => type === 'leaving')) throw new Error('a bent statement is accepted');
      }
      for (const event of events)
        if (event.type === 'epoch' && event.move?.secret !== undefined)
          expect(event.move.secret).toStrictEqual(inviteSecret);
      const [event] = events;
      return event?.type === 'rejected' ? event.reason : (event?.type ?? 'nothing');
    };
    /** The same, and throws if it takes long. Only then the time of the processor is measured: that takes long itself. */
    const checkInTime = (
      reader: SessionDevice<StarState, StarGroupInfo>,
      frame: Frame,
      isRight: boolean,
    ): string => {
      const start = performance.now();
      const outcome = check(reader, frame, isRight);
      if (performance.now() - start < CPU_LIMIT_MS) return outcome;
      const before = process.cpuUsage();
      check(reader, frame, isRight);
      const { user } = process.cpuUsage(before);
      if (user / 1000 > CPU_LIMIT_MS) throw new Error(`it took ${user / 1000} ms`);
      return outcome;
    };

    const formatted = frames.map((frame) => Buffer.from(formatFrame(frame)));
    /** The lengths of the frames without their padding, but for one byte of it. */
    const lengths = formatted.map((bytes) => bytes.findLastIndex((byte) => byte !== 0) + 2);
    const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
    const isOriginal = (frame: Frame): boolean =>
      frames.some((each, index) =>
        // The sealed secret is not signed. Its hash is.
        each.type === 'commit' && frame.type === 'commit'
          ? isSame(each.commit, frame.commit) && isSame(each.groupInfoUpdate, frame.groupInfoUpdate)
          : each.type === frame.type && isSame(formatFrame(frame), formatted[index]!),
      );

    const bend = (dice: Random, count: number): Frame | undefined => {
      const round = Math.floor(count / 5);
      const index = round % frames.length;
      switch (count % 5) {
        // Each byte of each frame after the other.
        case 0:
        case 1: {
          const at = Math.floor(round / frames.length) * 2 + (count % 5);
          return parseFrame(bendFrame(formatted[index]!, dice, at % lengths[index]!));
        }
        case 2:
          return bendCommit(dice.pick(commits), dice, context);
        case 3: {
          const commit = dice.pick([renewal, removal, join]);
          const update = forgeUpdate(group, dice, context);
          return dice.pick<Frame>([
            { ...commit, groupInfoUpdate: update },
            { type: 'groupInfo', groupInfo: concatBytes(formatPublicGroup(group), update) },
            { ...bendCommit(commit, dice, context), groupInfoUpdate: update },
          ]);
        }
        default:
          return parseFrame(mutate(formatted[index]!, dice, dice.pick(formatted), []));
      }
    };

    test('differ from the right ones, which are accepted', () => {
      expect([...commits, leave].map(isAccepted)).toStrictEqual(Array(5).fill(true));
      expect([groupInfo, room.frameAt(1)].map(isAccepted)).toStrictEqual([false, false]);
      expect(readers.map((reader) => read(reader, groupInfo).events[0]?.type)).toStrictEqual([
        'handshake',
        'handshake',
      ]);
    });

    test(
      '26: are accepted by no member, throw nothing and are not slow',
      () => {
        const dice = random(seed);
        const cases = name === 'noble' ? Math.ceil(CASES / 50) : CASES;
        const outcomes = new Set<string>();
        const before = authenticatorOf(bob);
        for (let count = 0; count < cases; count += 1) {
          const frame = bend(dice, count);
          if (frame === undefined) continue;
          const isRight = isOriginal(frame);
          try {
            // Every third one goes to a newcomer too.
            for (const reader of count % 3 === 0 ? readers : [bob])
              outcomes.add(checkInTime(reader, frame, isRight));
          } catch (error) {
            const text = Buffer.from(formatFrame(frame)).toString('base64');
            throw new Error(`RXCHAT_SEED=${seed}, case ${count}, ${frame.type}: ${text}`, { cause: error });
          }
        }
        expect(authenticatorOf(bob)).toBe(before);
        if (cases < MIN_CASES) return;
        // They passed the first checks: each reason is among them.
        const all = [...outcomes].join();
        for (const reason of REASONS) expect(all).toContain(reason);
      },
      300_000 + 10 * CASES,
    );
  },
);

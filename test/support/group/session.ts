import { nodeCipher } from '../../../src/crypto/nodeCipher.js';
import { asFernetKey } from '../../../streams/client/envelope/cipher.js';
import type { MessageContent } from '../../../streams/client/envelope/messageContent.js';
import { type Frame, sealFrame } from '../../../streams/client/group/frame.js';
import { createGroupSession, type GroupSession } from '../../../streams/client/group/groupSession.js';
import type { TokenEntry } from '../../../streams/client/receive/entries.js';
import type { FakeInfo, FakeState } from './fakeEngine.js';
import type { TestDevice } from './room.js';

export type TestSession = GroupSession<FakeState, FakeInfo>;

/** The outer key of an invite whose secret begins with a byte. */
export const outerKeyOf = (mark: number): ReturnType<typeof asFernetKey> =>
  asFernetKey(new Uint8Array(32).fill(mark));

/** The session of a device, in the room of the outer key 1. */
export const sessionOf = ({ context, state }: TestDevice, now: () => number = () => 0): TestSession =>
  createGroupSession({
    context,
    state,
    outerKey: outerKeyOf(1),
    deriveOuterKey: ([mark = 0]) => outerKeyOf(mark),
    now,
  });

/** A frame as an entry of the log. */
export const entryOf = (frame: Frame, position: number, key = 1): TokenEntry => ({
  type: 'token',
  position,
  token: sealFrame(nodeCipher(), outerKeyOf(key), frame, 0),
});

export const messageOf = (text: string, counter: number): MessageContent => ({
  nick: 'nick',
  lines: [text],
  session: 'A'.repeat(22),
  counter,
  time: 60_000 * counter,
  stored: 0,
});

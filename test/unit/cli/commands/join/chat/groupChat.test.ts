import { describe, expect, test } from '@jest/globals';
import type { ChatAction, ChatContext } from '../../../../../../src/cli/commands/join/chat/chatAction.js';
import { completeWord, parseInput } from '../../../../../../src/cli/commands/join/chat/chatInput.js';
import { groupChat } from '../../../../../../src/cli/commands/join/chat/groupChat.js';
import { formatLine } from '../../../../../../src/cli/commands/join/chat/line.js';
import { groupRoster } from '../../../../../../src/text/groupRoster.js';
import { messageEvent } from '../../../../../support/clientEvents.js';
import { deviceOf, epochEvent } from '../../../../../support/groupEvents.js';

const [ALICE, BOB] = [deviceOf('alice'), deviceOf('bob')];
const nothing = () => [];

const groupContext = (): ChatContext => {
  const roster = groupRoster({
    ownKey: ALICE.key,
    isVerified: () => false,
    knownKeys: new Map([['bob', BOB.key]]),
  });
  roster.update(epochEvent({ members: [ALICE, BOB, deviceOf('bob', 'phone'), deviceOf('carol')] }));
  return { ...keyRoomContext, group: groupChat(roster) };
};

const keyRoomContext: ChatContext = {
  who: nothing,
  invite: nothing,
  verify: nothing,
  ignore: nothing,
  quiet: nothing,
  history: nothing,
  search: nothing,
  topic: nothing,
  discard: nothing,
  isAway: () => false,
  isOnline: () => true,
  nickProblem: () => undefined,
};

const linesOf = (action: ChatAction | undefined): readonly string[] =>
  action !== undefined && 'lines' in action ? action.lines.map((line) => formatLine(line)) : [];

describe('the chat of a group room', () => {
  test('lists who can read, with devices', () => {
    expect(linesOf(parseInput('/members', groupContext()))).toStrictEqual([
      '-- 3 persons can read the room:',
      '-- you: laptop',
      '-- ?bob: laptop, phone',
      '-- someone with the key carol---…: laptop',
    ]);
  });

  test('removes a person only after it has named the person, with the trust mark', () => {
    const context = groupContext();
    const prompt = linesOf(parseInput('/remove bob', context));
    expect(prompt).toStrictEqual([
      '-- ?bob has 2 devices (laptop, phone); you have not verified this key; /verify bob compares it first',
      '-- removed persons can read nothing more, and the room gets another invite',
      '-- to remove: /remove bob yes',
    ]);
    expect(parseInput('/remove bob yes', context)).toMatchObject({
      type: 'request',
      request: { type: 'remove', key: BOB.key },
    });
  });

  test('does not remove somebody else than it has named', () => {
    const roster = groupRoster({ ownKey: ALICE.key, isVerified: () => false, knownKeys: new Map() });
    const carol = deviceOf('carol');
    roster.update(epochEvent({ members: [ALICE, BOB, carol] }));
    roster.update(messageEvent({ nick: 'bob', key: BOB.key }));
    const context = { ...keyRoomContext, group: groupChat(roster) };
    parseInput('/remove bob', context);
    roster.update(messageEvent({ nick: 'robert', key: BOB.key }));
    roster.update(messageEvent({ nick: 'bob', key: carol.key }));
    expect(parseInput('/remove bob yes', context)).toMatchObject({ type: 'show' });
  });

  test('does not remove without a question before, nor its user', () => {
    expect(linesOf(parseInput('/remove bob yes', groupContext()))[0]).toBe(
      '-- nobody was removed: read this first',
    );
    expect(linesOf(parseInput('/remove alice-', groupContext()))).toStrictEqual([
      '-- that is you; /leave leaves the group',
    ]);
    expect(linesOf(parseInput('/remove dave', groupContext()))[0]).toContain('no member is known by “dave”');
  });

  test('shows the room code', () => {
    expect(linesOf(parseInput('/verify', groupContext()))).toContain(
      '-- 12345 67890 12345 67890 12345 67890',
    );
  });

  test('rotates the invite, and leaves after a question', () => {
    expect(parseInput('/rotate', groupContext())).toMatchObject({ request: { type: 'rotate' } });
    expect(linesOf(parseInput('/leave', groupContext()))).toContain('-- to leave: /leave yes');
    expect(parseInput('/leave yes', groupContext())).toMatchObject({ request: { type: 'leave' } });
  });

  test('has commands that a key room lacks, in the help and in completions', () => {
    const help = (context: ChatContext) => linesOf(parseInput('/help', context)).join('\n');
    expect(help(groupContext())).toContain('/remove NICK [yes]');
    expect(help(keyRoomContext)).not.toContain('/remove');
    expect(linesOf(parseInput('/rotate', keyRoomContext))[0]).toContain('unknown command /rotate');
    expect(parseInput('/leave', keyRoomContext)).toStrictEqual({ type: 'quit' });
    const candidates = { senders: [], members: ['bob'], nick: 'alice' };
    expect(completeWord('/rem', '', { ...candidates, group: groupContext().group })).toStrictEqual([
      '/remove ',
    ]);
    expect(completeWord('/rem', '', candidates)).toStrictEqual([]);
  });
});

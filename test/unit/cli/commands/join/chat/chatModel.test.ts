import { describe, expect, test } from '@jest/globals';
import { formatLine } from '../../../../../../src/cli/commands/join/chat/line.js';
import {
  CATCH_UP_LIMIT,
  chatModel as viewOf,
  type ChatModel,
  type ChatModelOptions,
} from '../../../../../../src/cli/commands/join/chat/chatModel.js';
import type { Token } from '../../../../../../streams/client/envelope/cipher.js';
import type { ClientEvent } from '../../../../../../streams/client/clientEvent.js';
import { messageEvent, welcomeEvent } from '../../../../../support/clientEvents.js';
import { safe } from '../../../../../../src/text/sanitize.js';
import { ALICE, BOB } from '../../../../../support/envelopes.js';

const DAY = 86_400_000;

const view = (more: Partial<ChatModelOptions> = {}): ChatModel =>
  viewOf({
    nick: 'alice',
    isVerified: (key) => key === 'VERIFIED',
    isIgnored: (key) => key === 'IGNORED',
    utc: true,
    now: () => 0,
    ...more,
  });

const seen = (of: ChatModel, ...events: readonly ClientEvent[]): string[] =>
  of
    .update(events)
    .lines.map((line) => (line.tone === 'mark' ? `[${line.rows.join()}]` : formatLine(line, true)));
const sentBy = (text: string, token = text): ClientEvent => ({
  type: 'queued',
  lines: [text],
  token: token as Token,
  bytes: 1,
});
const stored = (token: string): ClientEvent => ({
  type: 'stored',
  position: 1,
  lines: ['x'],
  token: token as Token,
  bytes: 1,
});
const footerOf = (of: ChatModel): string[] => of.footer.map((line) => formatLine(line, true));

describe('the scrollback of the chat model', () => {
  test('shows a day rule when the day changes, and marks missed messages once', () => {
    const of = view({ readUpTo: { log: 'log', n: 3 }, now: () => DAY });
    const time = DAY;
    expect(
      seen(
        of,
        welcomeEvent({ from: 2, next: 7 }),
        messageEvent({ position: 3, time: 0, text: 'read' }),
        messageEvent({ position: 4, time, text: 'mine', own: true, nick: 'alice' }),
        messageEvent({ position: 5, time, text: 'missed' }),
        messageEvent({ position: 6, time, text: 'too' }),
        messageEvent({ position: 7, time, text: 'now' }),
      ),
    ).toStrictEqual([
      '-- you are in, with bob',
      '[── Thu, 1 Jan 1970 ──]',
      '00:00 ?bob: read',
      '[── Fri, 2 Jan 1970 ──]',
      '00:00 alice: mine',
      '[── new ──]',
      '00:00 ?bob: missed',
      '00:00 ?bob: too',
      '00:00 ?bob: now',
    ]);
  });

  test('shows no mark when nothing was missed or the log is another one', () => {
    const one = view({ readUpTo: { log: 'log', n: 6 } });
    expect(seen(one, welcomeEvent({ from: 7, next: 7 }), messageEvent({ position: 7 }))).toHaveLength(2);
    const other = view({ readUpTo: { log: 'other', n: 3 } });
    expect(seen(other, welcomeEvent({ from: 5, next: 7 }), messageEvent({ position: 5 }))).toHaveLength(2);
  });

  test('shows a mark after an absence of a minute', () => {
    let now = 0;
    const of = view({ now: () => now });
    seen(of, welcomeEvent({}));
    seen(of, { type: 'offline', reason: 'gone', retryMs: 1, attempt: 1 });
    now = 61_000;
    expect(seen(of, welcomeEvent({ from: 1, next: 2 }), messageEvent({ position: 1 }))).toStrictEqual([
      '[── new ──]',
      '00:00 ?bob: hello',
      '-- back after 61 s, 1 message caught up',
    ]);
  });

  test('shows only the newest of many missed messages, and says so', () => {
    const of = view();
    const next = CATCH_UP_LIMIT + 3;
    const all = Array.from({ length: next - 1 }, (_, at) =>
      messageEvent({ position: at + 1, text: `n${at + 1}` }),
    );
    const lines = seen(of, welcomeEvent({ from: 1, next }), ...all);
    expect(lines.slice(1, 3)).toStrictEqual(['-- not shown: 2 older messages', '00:00 ?bob: n3']);
    expect(lines).toHaveLength(CATCH_UP_LIMIT + 2);
  });

  test('shows messages of the same person from elsewhere as own, and alerts nobody', () => {
    const of = view({ isOwnKey: (key) => key === 'SELF' });
    const elsewhere = messageEvent({ nick: 'alice', key: 'SELF', text: 'alice was here' });
    expect(seen(of, elsewhere)).toStrictEqual(['00:00 alice: alice was here']);
    expect(of.update([elsewhere]).alerts).toStrictEqual([]);
  });

  test('shows nothing of an ignored member under any nick, and alerts nobody', () => {
    const of = view();
    const { lines, alerts } = of.update([messageEvent({ nick: 'eve', key: 'IGNORED', text: 'alice!' })]);
    expect([lines, alerts, of.history.size]).toStrictEqual([[], [], 0]);
  });

  test('marks a member with a changed key until the key is verified', () => {
    const of = view();
    const lines = seen(
      of,
      { type: 'key-changed', position: 1, nick: 'bob', key: ALICE.key, before: BOB.key },
      messageEvent({ key: ALICE.key }),
      messageEvent({ key: BOB.key }),
      messageEvent({ key: 'VERIFIED' }),
    );
    expect(lines.slice(1)).toStrictEqual(['00:00 !bob: hello', '00:00 ?bob: hello', '00:00 ✓bob: hello']);
  });

  test('says whose known key a new nick has', () => {
    const of = view();
    expect(
      seen(of, messageEvent({}), { type: 'first-seen', position: 2, nick: 'bobby', key: BOB.key })[1],
    ).toBe('-- bobby has the same key as bob; it is the same person');
  });

  test('summarizes joins and leaves before the next message, or omits them when quiet', () => {
    let now = 0;
    const of = view({ now: () => now });
    const coming = (type: 'joined' | 'left', ...nicks: string[]): ClientEvent => ({
      type,
      position: 1,
      nicks,
      count: nicks.length,
    });
    seen(of, welcomeEvent({}));
    expect(seen(of, coming('joined', 'carol', 'alice'), coming('joined', 'dave'))).toStrictEqual([]);
    expect(of.isPending).toBe(true);
    expect(seen(of, messageEvent({}))).toStrictEqual(['--> carol, dave joined', '00:00 ?bob: hello']);
    seen(of, coming('left', 'carol'));
    now = 1000;
    expect(of.takeDue().map((line) => formatLine(line))).toStrictEqual(['<-- carol left']);
    expect(of.isPending).toBe(false);
    of.quiet = true;
    expect(seen(of, coming('left', 'dave'), messageEvent({}))).toStrictEqual(['00:00 ?bob: hello']);
  });

  test('uses a new nick once the relay has it, without a leave of the old nick', () => {
    const of = view();
    expect(
      seen(
        of,
        welcomeEvent({}),
        { type: 'renamed', nick: 'ally' },
        { type: 'left', position: 1, nicks: ['alice'], count: 1 },
        { type: 'joined', position: 2, nicks: ['ally'], count: 1 },
        { type: 'rename-rejected', nick: 'bob', reason: 'it is taken' },
      ),
    ).toStrictEqual([
      '-- you are in, with bob',
      '-- you are now ally',
      '-- cannot use the nick bob: it is taken',
    ]);
    expect(of.prompt).toBe('ally> ');
    expect(of.update([messageEvent({ text: 'ally: hi' })]).alerts).toMatchObject([{ isMention: true }]);
  });
});

describe('the footer of the chat model', () => {
  test('shows up to five lines without a receipt, and lines that cannot be sent', () => {
    const of = view();
    of.update([welcomeEvent({}), sentBy('one'), { ...sentBy('waves', 't2'), act: 'me' } as ClientEvent]);
    expect(footerOf(of)).toStrictEqual(['◌ 00:00 alice: one', '◌ 00:00 * alice waves']);
    of.update([stored('one')]);
    expect(footerOf(of)).toStrictEqual(['◌ 00:00 * alice waves']);
    of.update(Array.from({ length: 16 }, (_, n) => sentBy(`n${n}`)));
    expect(footerOf(of)).toHaveLength(6);
    expect(footerOf(of).at(-1)).toBe('-- … and 12 more');
    of.outgoing.fail('very long', safe`not sent`, 0);
    expect(footerOf(of)[0]).toBe('✗ 00:00 not sent: very long');
    expect(of.outgoing.discard()).toBe(1);
    expect(of.outgoing.discard()).toBe(0);
    expect(footerOf(of)[0]).toBe('◌ 00:00 * alice waves');
  });

  test('shows the state of the connection in the prompt', () => {
    let now = 0;
    const of = view({ now: () => now });
    expect(of.prompt).toBe('alice (connecting)> ');
    of.update([welcomeEvent({})]);
    expect([of.prompt, of.isPending]).toStrictEqual(['alice> ', false]);
    of.update([messageEvent({ own: true, nick: 'alice', act: 'away', text: 'lunch' }), sentBy('hi')]);
    now = 6000;
    expect([of.prompt, of.isPending]).toStrictEqual(['alice (lag 6 s; away)> ', true]);
    of.update([messageEvent({ own: true, nick: 'alice' }), stored('hi')]);
    expect(of.prompt).toBe('alice> ');
  });
});

describe('the memory of the chat model', () => {
  test('keeps who is away until they write or leave, and the topic', () => {
    const of = view();
    of.update([
      messageEvent({ act: 'away', text: 'lunch' }),
      messageEvent({ act: 'topic', text: 'tea', nick: 'carol' }),
    ]);
    expect([of.awayReason('Bob'), of.topic?.text]).toStrictEqual(['lunch', 'tea']);
    of.update([messageEvent({})]);
    expect(of.awayReason('bob')).toBeUndefined();
    of.update([
      messageEvent({ act: 'away', text: 'lunch' }),
      { type: 'left', position: 4, nicks: ['bob'], count: 1 },
    ]);
    expect(of.awayReason('bob')).toBeUndefined();
  });
});

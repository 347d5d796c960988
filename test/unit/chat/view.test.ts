import { describe, expect, test } from '@jest/globals';
import { plainLine } from '../../../src/cli/chat/line.js';
import { CATCH_UP_LIMIT, view as viewOf, type View, type ViewOptions } from '../../../src/cli/chat/view.js';
import type { Token } from '../../../streams/client/cipher.js';
import type { Heard } from '../../../streams/client/conversation.js';
import { message, welcome } from '../../support/heard.js';
import { shown } from '../../../src/terminal/visible.js';
import { ALICE, BOB } from '../../support/people.js';

const DAY = 86_400_000;

const view = (more: Partial<ViewOptions> = {}): View =>
  viewOf({
    nick: 'alice',
    isVerified: (key) => key === 'VERIFIED',
    isIgnored: (key) => key === 'IGNORED',
    utc: true,
    now: () => 0,
    ...more,
  });

const seen = (of: View, ...heard: readonly Heard[]): string[] =>
  of
    .hear(heard)
    .lines.map((line) => (line.tone === 'mark' ? `[${line.text.join()}]` : plainLine(line, true)));
const said = (text: string, token = text): Heard => ({
  type: 'said',
  lines: [text],
  token: token as Token,
  bytes: 1,
});
const stored = (token: string): Heard => ({
  type: 'stored',
  position: 1,
  lines: ['x'],
  token: token as Token,
  bytes: 1,
});
const footOf = (of: View): string[] => of.foot.map((line) => plainLine(line, true));

describe('the scrollback', () => {
  test('has a day where it changes, and what was missed behind a mark, once', () => {
    const of = view({ readTo: { log: 'log', n: 3 }, now: () => DAY });
    const time = DAY;
    expect(
      seen(
        of,
        welcome({ from: 2, next: 7 }),
        message({ position: 3, time: 0, text: 'read' }),
        message({ position: 4, time, text: 'mine', own: true, nick: 'alice' }),
        message({ position: 5, time, text: 'missed' }),
        message({ position: 6, time, text: 'too' }),
        message({ position: 7, time, text: 'now' }),
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

  test('has no mark where nothing was missed, or where the log is another one', () => {
    const one = view({ readTo: { log: 'log', n: 6 } });
    expect(seen(one, welcome({ from: 7, next: 7 }), message({ position: 7 }))).toHaveLength(2);
    const other = view({ readTo: { log: 'other', n: 3 } });
    expect(seen(other, welcome({ from: 5, next: 7 }), message({ position: 5 }))).toHaveLength(2);
  });

  test('has a mark too where one was away for a minute', () => {
    let now = 0;
    const of = view({ now: () => now });
    seen(of, welcome({}));
    seen(of, { type: 'offline', reason: 'gone', retryMs: 1, attempt: 1 });
    now = 61_000;
    expect(seen(of, welcome({ from: 1, next: 2 }), message({ position: 1 }))).toStrictEqual([
      '[── new ──]',
      '00:00 ?bob: hello',
      '-- back after 61 s, 1 message caught up',
    ]);
  });

  test('has of very much that was missed the newest alone, and says so', () => {
    const of = view();
    const next = CATCH_UP_LIMIT + 3;
    const all = Array.from({ length: next - 1 }, (_, at) =>
      message({ position: at + 1, text: `n${at + 1}` }),
    );
    const lines = seen(of, welcome({ from: 1, next }), ...all);
    expect(lines.slice(1, 3)).toStrictEqual(['-- not shown: 2 older messages', '00:00 ?bob: n3']);
    expect(lines).toHaveLength(CATCH_UP_LIMIT + 2);
  });

  test('has what this person said at another place as their own, and calls nobody for it', () => {
    const of = view({ isSelf: (key) => key === 'SELF' });
    const elsewhere = message({ nick: 'alice', key: 'SELF', text: 'alice was here' });
    expect(seen(of, elsewhere)).toStrictEqual(['00:00 alice: alice was here']);
    expect(of.hear([elsewhere]).calls).toStrictEqual([]);
  });

  test('has nothing of who is ignored, whatever they go by, and calls nobody for it', () => {
    const of = view();
    const { lines, calls } = of.hear([message({ nick: 'eve', key: 'IGNORED', text: 'alice!' })]);
    expect([lines, calls, of.memory.size]).toStrictEqual([[], [], 0]);
  });

  test('marks who came with another key, until that is verified', () => {
    const of = view();
    const lines = seen(
      of,
      { type: 'key-changed', position: 1, nick: 'bob', key: ALICE.key, before: BOB.key },
      message({ key: ALICE.key }),
      message({ key: BOB.key }),
      message({ key: 'VERIFIED' }),
    );
    expect(lines.slice(1)).toStrictEqual(['00:00 !bob: hello', '00:00 ?bob: hello', '00:00 ✓bob: hello']);
  });

  test('says of a new nick with a known key who that is', () => {
    const of = view();
    expect(seen(of, message({}), { type: 'first-sight', position: 2, nick: 'bobby', key: BOB.key })[1]).toBe(
      '-- bobby has the key of bob: it is the same person',
    );
  });

  test('gathers who comes and goes, before what is said next; and not at all when quiet', () => {
    let now = 0;
    const of = view({ now: () => now });
    const coming = (type: 'joined' | 'left', ...nicks: string[]): Heard => ({
      type,
      position: 1,
      nicks,
      count: nicks.length,
    });
    seen(of, welcome({}));
    expect(seen(of, coming('joined', 'carol', 'alice'), coming('joined', 'dave'))).toStrictEqual([]);
    expect(of.isWaiting).toBe(true);
    expect(seen(of, message({}))).toStrictEqual(['--> carol, dave joined', '00:00 ?bob: hello']);
    seen(of, coming('left', 'carol'));
    now = 1000;
    expect(of.due().map((line) => plainLine(line))).toStrictEqual(['<-- carol left']);
    expect(of.isWaiting).toBe(false);
    of.quiet = true;
    expect(seen(of, coming('left', 'dave'), message({}))).toStrictEqual(['00:00 ?bob: hello']);
  });

  test('takes another nick once the relay has, whose former one does not leave', () => {
    const of = view();
    expect(
      seen(
        of,
        welcome({}),
        { type: 'renamed', nick: 'ally' },
        { type: 'left', position: 1, nicks: ['alice'], count: 1 },
        { type: 'joined', position: 2, nicks: ['ally'], count: 1 },
        { type: 'not-renamed', nick: 'bob', reason: 'it is taken' },
      ),
    ).toStrictEqual(['-- you are in, with bob', '-- you are ally now', '-- you cannot be bob: it is taken']);
    expect(of.prompt).toBe('ally> ');
    expect(of.hear([message({ text: 'ally: hi' })]).calls).toMatchObject([{ mention: true }]);
  });
});

describe('what stands under it', () => {
  test('is what waits for its receipt, up to five lines, and what cannot be said', () => {
    const of = view();
    of.hear([welcome({}), said('one'), { ...said('waves', 't2'), act: 'me' } as Heard]);
    expect(footOf(of)).toStrictEqual(['◌ 00:00 alice: one', '◌ 00:00 * alice waves']);
    of.hear([stored('one')]);
    expect(footOf(of)).toStrictEqual(['◌ 00:00 * alice waves']);
    of.hear(Array.from({ length: 16 }, (_, n) => said(`n${n}`)));
    expect(footOf(of)).toHaveLength(6);
    expect(footOf(of).at(-1)).toBe('-- … and 12 more');
    of.own.fail('very long', shown`not sent`, 0);
    expect(footOf(of)[0]).toBe('✗ 00:00 not sent: very long');
    expect(of.own.discard()).toBe(1);
    expect(of.own.discard()).toBe(0);
    expect(footOf(of)[0]).toBe('◌ 00:00 * alice waves');
  });

  test('the prompt says what is the matter', () => {
    let now = 0;
    const of = view({ now: () => now });
    expect(of.prompt).toBe('alice (connecting)> ');
    of.hear([welcome({})]);
    expect([of.prompt, of.isWaiting]).toStrictEqual(['alice> ', false]);
    of.hear([message({ own: true, nick: 'alice', act: 'away', text: 'lunch' }), said('hi')]);
    now = 6000;
    expect([of.prompt, of.isWaiting]).toStrictEqual(['alice (lag 6 s; away)> ', true]);
    of.hear([message({ own: true, nick: 'alice' }), stored('hi')]);
    expect(of.prompt).toBe('alice> ');
  });
});

describe('what is remembered', () => {
  test('is who is away, until they say something or leave, and the topic', () => {
    const of = view();
    of.hear([message({ act: 'away', text: 'lunch' }), message({ act: 'topic', text: 'tea', nick: 'carol' })]);
    expect([of.awayOf('Bob'), of.topic?.text]).toStrictEqual(['lunch', 'tea']);
    of.hear([message({})]);
    expect(of.awayOf('bob')).toBeUndefined();
    of.hear([
      message({ act: 'away', text: 'lunch' }),
      { type: 'left', position: 4, nicks: ['bob'], count: 1 },
    ]);
    expect(of.awayOf('bob')).toBeUndefined();
  });
});

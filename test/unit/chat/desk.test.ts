import { describe, expect, test } from '@jest/globals';
import { desk as deskOf } from '../../../src/cli/chat/desk.js';
import { type Line, plainLine } from '../../../src/cli/chat/line.js';
import { view as viewOf } from '../../../src/cli/chat/view.js';
import type { People } from '../../../src/cli/people.js';
import { shown } from '../../../src/terminal/visible.js';
import { message } from '../../support/heard.js';
import { ALICE } from '../../support/people.js';

/** Somebody who knows nobody. */
const people: People = {
  identity: ALICE,
  known: new Map(),
  newestTimeMs: new Map(),
  isVerified: () => false,
  isChanged: () => false,
  keep: () => (heard$) => heard$,
  keepFor: () => (heard$) => heard$,
  verify: (nick) => [shown`compare ${nick}`, shown`12345`],
  ignore: (nick) => shown`you read nothing more of ${nick ?? ''}`,
  isIgnored: () => false,
  keyOf: () => undefined,
};

const deskAfter = (...texts: readonly string[]) => {
  const view = viewOf({
    nick: 'alice',
    isVerified: () => false,
    isIgnored: () => false,
    utc: true,
    now: () => 0,
  });
  view.hear(texts.map((text, at) => message({ position: at + 1, text })));
  return deskOf({ view, people, members: () => ['alice'], invite: shown`rxchat://`, utc: true });
};

const shownBy = (lines: readonly Line[]): readonly string[] => lines.map((line) => plainLine(line, true));

describe('a desk', () => {
  test('counts what it shows again in words that fit one, and more', () => {
    const desk = deskAfter('green tea', 'black tea', 'milk');
    expect(shownBy(desk.history(1))).toStrictEqual(['-- the last message of this run:', '00:00 ?bob: milk']);
    expect(shownBy(desk.history(2))[0]).toBe('-- the last 2 messages of this run:');
    expect(shownBy(desk.search('milk'))).toStrictEqual([
      '-- the last message of this run with milk:',
      '00:00 ?bob: milk',
    ]);
    expect(shownBy(desk.search('tea'))[0]).toBe('-- the last 2 messages of this run with tea:');
    expect(shownBy(desk.search('rum'))).toStrictEqual(['-- not found in the 3 messages of this run: rum']);
    expect(shownBy(deskAfter('tea').search('rum'))).toStrictEqual([
      '-- not found in the 1 message of this run: rum',
    ]);
    expect(shownBy(deskAfter().history(9))).toStrictEqual([
      '-- nothing was said in this run; join --last N begins with older messages',
    ]);
  });

  test('shows in lines that are wrapped what it has to say of people', () => {
    const desk = deskAfter();
    const lines = [...desk.verify('bob', undefined), ...desk.ignore('bob', undefined)];
    expect(shownBy(lines)).toStrictEqual(['-- compare bob', '-- 12345', '-- you read nothing more of bob']);
    expect(lines.map(({ tone }) => tone)).toStrictEqual(['info', 'info', 'info']);
  });
});

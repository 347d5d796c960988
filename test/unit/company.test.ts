import { describe, expect, test } from '@jest/globals';
import { from, toArray } from 'rxjs';
import { company } from '../../src/cli/company.js';
import type { Heard } from '../../streams/client/conversation.js';
import { message, welcome } from '../support/heard.js';

const joined = (...nicks: string[]): Heard => ({ type: 'joined', position: 1, nicks, count: nicks.length });
const left = (...nicks: string[]): Heard => ({ type: 'left', position: 1, nicks, count: nicks.length });
const here = (...members: string[]): Heard => welcome({ members, count: members.length });

const after = (...heard: Heard[]) => {
  const around = company();
  let news: Heard[] = [];
  from(heard)
    .pipe(around.news(), toArray())
    .subscribe((all) => (news = all));
  const told = news.flatMap((each) =>
    each.type === 'joined' || each.type === 'left'
      ? [`${each.type} ${each.nicks.join()} (${each.count})`]
      : [],
  );
  return { members: [...around.members], told, news };
};

describe('company', () => {
  test('knows who was there, came and went', () => {
    expect(after(here('alice', 'bob'), joined('carol'), left('bob'))).toMatchObject({
      members: ['alice', 'carol'],
      told: ['joined carol (1)', 'left bob (1)'],
    });
  });

  test('tells nobody who is listed already, and nobody as gone who is not here', () => {
    expect(after(here('alice'), joined('alice', 'bob'), left('carol'), left('dave', 'bob'))).toMatchObject({
      members: ['alice'],
      told: ['joined bob (1)', 'left bob (1)'],
    });
  });

  test('after a relay that was restarted, those who were there come back unseen, and others do not', () => {
    const { members, told } = after(here('alice', 'bob', 'carol'), here('alice'), joined('bob', 'dave'));
    expect(members).toStrictEqual(['alice', 'bob', 'dave']);
    expect(told).toStrictEqual(['joined dave (1)']);
  });

  test('who was there before the restart and is announced as gone is', () => {
    expect(after(here('alice', 'bob'), here('alice'), left('bob')).told).toStrictEqual(['left bob (1)']);
  });

  test('who has gone is news again when it comes', () => {
    expect(after(here('alice', 'bob'), left('bob'), joined('bob')).told).toStrictEqual([
      'left bob (1)',
      'joined bob (1)',
    ]);
  });

  test('numbers without nicks, and everything else, pass as they are', () => {
    const counted: Heard = { type: 'joined', position: 3, nicks: [], count: 1200 };
    const all = [here('alice'), counted, message({ text: 'hello' })];
    expect(after(...all).news).toStrictEqual(all);
  });
});

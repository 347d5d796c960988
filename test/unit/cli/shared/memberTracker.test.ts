import { describe, expect, test } from '@jest/globals';
import { from, toArray } from 'rxjs';
import { memberTracker } from '../../../../src/cli/shared/memberTracker.js';
import type { ClientEvent } from '../../../../streams/client/clientEvent.js';
import { messageEvent, welcomeEvent } from '../../../support/clientEvents.js';

const joined = (...nicks: string[]): ClientEvent => ({
  type: 'joined',
  position: 1,
  nicks,
  count: nicks.length,
});
const left = (...nicks: string[]): ClientEvent => ({ type: 'left', position: 1, nicks, count: nicks.length });
const here = (...members: string[]): ClientEvent => welcomeEvent({ members, count: members.length });

const after = (...events: ClientEvent[]) => {
  const around = memberTracker();
  let recent: ClientEvent[] = [];
  from(events)
    .pipe(around.dedupePresence(), toArray())
    .subscribe((all) => (recent = all));
  const reported = recent.flatMap((each) =>
    each.type === 'joined' || each.type === 'left'
      ? [`${each.type} ${each.nicks.join()} (${each.count})`]
      : [],
  );
  return { members: [...around.members], reported, recent };
};

describe('memberTracker', () => {
  test('knows who was there, came and left', () => {
    expect(after(here('alice', 'bob'), joined('carol'), left('bob'))).toMatchObject({
      members: ['alice', 'carol'],
      reported: ['joined carol (1)', 'left bob (1)'],
    });
  });

  test('reports neither the join of a listed member nor the leave of an absent one', () => {
    expect(after(here('alice'), joined('alice', 'bob'), left('carol'), left('dave', 'bob'))).toMatchObject({
      members: ['alice'],
      reported: ['joined bob (1)', 'left bob (1)'],
    });
  });

  test('restores earlier members silently when the relay was restarted, and no others', () => {
    const { members, reported } = after(here('alice', 'bob', 'carol'), here('alice'), joined('bob', 'dave'));
    expect(members).toStrictEqual(['alice', 'bob', 'dave']);
    expect(reported).toStrictEqual(['joined dave (1)']);
  });

  test('reports the announced leave of a member from before the restart', () => {
    expect(after(here('alice', 'bob'), here('alice'), left('bob')).reported).toStrictEqual(['left bob (1)']);
  });

  test('reports the join of a member that had left', () => {
    expect(after(here('alice', 'bob'), left('bob'), joined('bob')).reported).toStrictEqual([
      'left bob (1)',
      'joined bob (1)',
    ]);
  });

  test('passes counts without nicks, and all other events, unchanged', () => {
    const counts: ClientEvent = { type: 'joined', position: 3, nicks: [], count: 1200 };
    const all = [here('alice'), counts, messageEvent({ text: 'hello' })];
    expect(after(...all).recent).toStrictEqual(all);
  });
});

import { describe, test } from '@jest/globals';
import { map } from 'rxjs';
import { refreshWhilePending } from '../../../../../../src/cli/commands/join/chat/refreshWhilePending.js';
import type { ClientEvent } from '../../../../../../streams/client/clientEvent.js';
import { messageEvent } from '../../../../../support/clientEvents.js';
import { marbles } from '../../../../../support/marbles.js';

/** A model that waits for that many seconds after each event. */
const waitingFor = (seconds: number) => {
  let left = 0;
  return {
    update: () => {
      left = seconds;
      return { lines: [], alerts: [{ from: 'heard', text: '', mention: false }] as never };
    },
    takeDue: () => {
      left -= 1;
      return [];
    },
    get isPending() {
      return left > 0;
    },
  };
};

const events: Record<string, readonly ClientEvent[]> = { a: [messageEvent({})] };

describe('drawing', () => {
  const rendered = (source: string, seconds: number, expected: string) => {
    marbles(({ hot, expectObservable }) => {
      const printed$ = hot(source, events).pipe(
        refreshWhilePending(waitingFor(seconds)),
        map(({ alerts }) => (alerts.length > 0 ? 'a' : 't')),
      );
      expectObservable(printed$).toBe(expected);
    });
  };

  test('has no timer where nothing waits', () => {
    rendered('a 9s a 9s |', 0, 'a 9s a 9s |');
  });

  test('looks once a second as long as something waits', () => {
    rendered('a 9s |', 2, 'a 999ms t 999ms t 7000ms |');
  });

  test('goes on looking although things are heard all the time', () => {
    rendered('a 599ms a 599ms a 599ms |', 9, 'a 599ms a 399ms t 199ms a 599ms |');
  });

  test('ends with what it hears, whatever waits', () => {
    rendered('a 1500ms |', 9, 'a 999ms t 500ms |');
  });
});

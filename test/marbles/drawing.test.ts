import { describe, test } from '@jest/globals';
import { map } from 'rxjs';
import { drawing } from '../../src/cli/chat/drawing.js';
import type { Heard } from '../../streams/client/conversation.js';
import { message } from '../support/heard.js';
import { marbles } from '../support/marbles.js';

/** Something that waits for so many seconds after each thing heard. */
const waitingFor = (seconds: number) => {
  let left = 0;
  return {
    hear: () => {
      left = seconds;
      return { lines: [], calls: [{ from: 'heard', text: '', mention: false }] as never };
    },
    due: () => {
      left -= 1;
      return [];
    },
    get isWaiting() {
      return left > 0;
    },
  };
};

const heard: Record<string, readonly Heard[]> = { a: [message({})] };

describe('drawing', () => {
  const drawn = (source: string, seconds: number, expected: string) => {
    marbles(({ hot, expectObservable }) => {
      const shown$ = hot(source, heard).pipe(
        drawing(waitingFor(seconds)),
        map(({ calls }) => (calls.length > 0 ? 'a' : 't')),
      );
      expectObservable(shown$).toBe(expected);
    });
  };

  test('has no timer where nothing waits', () => {
    drawn('a 9s a 9s |', 0, 'a 9s a 9s |');
  });

  test('looks once a second as long as something waits', () => {
    drawn('a 9s |', 2, 'a 999ms t 999ms t 7000ms |');
  });

  test('goes on looking although things are heard all the time', () => {
    drawn('a 599ms a 599ms a 599ms |', 9, 'a 599ms a 399ms t 199ms a 599ms |');
  });

  test('ends with what it hears, whatever waits', () => {
    drawn('a 1500ms |', 9, 'a 999ms t 500ms |');
  });
});

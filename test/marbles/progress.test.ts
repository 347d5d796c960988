import { describe, test } from '@jest/globals';
import { share, tap } from 'rxjs';
import { receipts } from '../../src/cli/receipts.js';
import { progress } from '../../src/cli/sending/progress.js';
import type { Token } from '../../streams/client/cipher.js';
import type { Heard } from '../../streams/client/conversation.js';
import { welcome } from '../support/heard.js';
import { marbles } from '../support/marbles.js';

const said = (text: string): Heard => ({ type: 'said', lines: [text], token: text as Token, bytes: 1 });
const stored = (text: string): Heard => ({
  type: 'stored',
  position: 1,
  lines: [text],
  token: text as Token,
  bytes: 1,
});
const heard: Record<string, Heard> = {
  w: welcome({}),
  a: said('a'),
  b: said('b'),
  c: said('c'),
  A: stored('a'),
  B: stored('b'),
  C: stored('c'),
};
const told = {
  x: '0 stored, 1 without receipt',
  z: '2 stored, 1 without receipt',
  Z: '3 stored',
};

/** The account is kept, then looked at, as `send` does it. */
const drawn = (sent: string, expected: string, unsubscribed?: string) => {
  marbles(({ hot, expectObservable }) => {
    const account = receipts();
    const heard$ = hot(sent, heard).pipe(
      tap((each) => account.take(each)),
      share(),
    );
    expectObservable(heard$.pipe(progress(account)), unsubscribed).toBe(expected, told);
  });
};

describe('progress', () => {
  test('says nothing of what is over within a second, however long it took to come in', () => {
    drawn('5s w a 998ms A |', '6001ms |');
  });

  test('tells how far it is after a second, then what has changed, four times a second at most', () => {
    drawn('a 1s A b B c 2s C 250ms |', '1s x 249ms z 1754ms Z 250ms |');
  });

  test('ends at once with its source, whatever it waits for', () => {
    drawn('a|', '-|');
    drawn('a 1s A 9ms b 9ms |', '1s x 20ms |');
    drawn('a 1s A 9ms #', '1s x 10ms #');
  });

  test('never, empty and unsubscribing pass', () => {
    drawn('-', '-');
    drawn('|', '|');
    drawn('a 2s A', '1s x', '1s -!');
  });
});

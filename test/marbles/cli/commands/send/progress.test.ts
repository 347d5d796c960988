import { describe, test } from '@jest/globals';
import { share, tap } from 'rxjs';
import { trackReceipts } from '../../../../../src/cli/shared/receipts.js';
import { progress } from '../../../../../src/cli/commands/send/progress.js';
import type { Token } from '../../../../../streams/client/envelope/cipher.js';
import type { ClientEvent } from '../../../../../streams/client/clientEvent.js';
import { welcomeEvent } from '../../../../support/clientEvents.js';
import { marbles } from '../../../../support/marbles.js';

const sentBy = (text: string): ClientEvent => ({
  type: 'queued',
  lines: [text],
  token: text as Token,
  bytes: 1,
});
const stored = (text: string): ClientEvent => ({
  type: 'stored',
  position: 1,
  lines: [text],
  token: text as Token,
  bytes: 1,
});
const events: Record<string, ClientEvent> = {
  w: welcomeEvent({}),
  a: sentBy('a'),
  b: sentBy('b'),
  c: sentBy('c'),
  A: stored('a'),
  B: stored('b'),
  C: stored('c'),
};
const reported = {
  x: '0 stored, 1 without receipt',
  z: '2 stored, 1 without receipt',
  Z: '3 stored',
};

/** Updates the receipts before the progress, as `send` does. */
const rendered = (sent: string, expected: string, unsubscribed?: string) => {
  marbles(({ hot, expectObservable }) => {
    const account = trackReceipts();
    const event$ = hot(sent, events).pipe(
      tap((each) => account.update(each)),
      share(),
    );
    expectObservable(event$.pipe(progress(account)), unsubscribed).toBe(expected, reported);
  });
};

describe('progress', () => {
  test('says nothing of what is over within a second, however long it took to come in', () => {
    rendered('5s w a 998ms A |', '6001ms |');
  });

  test('tells how far it is after a second, then what has changed, four times a second at most', () => {
    rendered('a 1s A b B c 2s C 250ms |', '1s x 249ms z 1754ms Z 250ms |');
  });

  test('ends at once with its source, whatever it waits for', () => {
    rendered('a|', '-|');
    rendered('a 1s A 9ms b 9ms |', '1s x 20ms |');
    rendered('a 1s A 9ms #', '1s x 10ms #');
  });

  test('never, empty and unsubscribing pass', () => {
    rendered('-', '-');
    rendered('|', '|');
    rendered('a 2s A', '1s x', '1s -!');
  });
});

import { describe, expect, test } from '@jest/globals';
import { asyncScheduler } from 'rxjs';
import { exitTimeout } from '../../../../../src/cli/commands/join/exitTimeout.js';
import type { ClientEvent } from '../../../../../streams/client/clientEvent.js';
import type { Token } from '../../../../../streams/client/envelope/cipher.js';
import { welcomeEvent } from '../../../../support/clientEvents.js';
import { marbles } from '../../../../support/marbles.js';

const events: Record<string, ClientEvent> = {
  W: welcomeEvent({}),
  f: { type: 'offline', reason: 'gone', retryMs: 500, attempt: 1 },
  a: { type: 'queued', lines: ['a'], token: 'a' as Token, bytes: 1 },
  q: { type: 'input-complete' },
};
const out = { x: 0 };

describe('leaving', () => {
  test.each([
    ['never if the user stays', '          W-a-f-W-a 9s -', '- 10s -'],
    ['waits a second for receipts', '     W-a-q 9s -', '     ---- 1s (x|)'],
    ['at once while the relay is away', ' W-f-a-q 9s -', '   ------(x|)'],
    ['at once where it goes meanwhile', ' W-a-q-f 9s -', '   ------(x|)'],
    ['waits where it is back', '         W-f-W-q 9s -', '    ------ 1s (x|)'],
    ['ends with what it listens to', '   W-a-q 500ms |', '  ---- 501ms |'],
  ])('%s', (_name, rendered, expected) => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot(rendered.trim(), events).pipe(exitTimeout())).toBe(expected.trim(), out);
    });
  });

  test('leaves no timer when nobody waits any more', () => {
    marbles(({ hot, expectObservable, flush }) => {
      expectObservable(hot('Wq', events).pipe(exitTimeout()), '9ms !').toBe('-');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(1000);
    });
  });
});

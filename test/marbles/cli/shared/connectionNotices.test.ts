import { describe, expect, test } from '@jest/globals';
import { map, merge, share } from 'rxjs';
import {
  describeMissingKeys,
  describeOutages,
  groupKeysTimeout,
  receiptTimeout,
} from '../../../../src/cli/shared/connectionNotices.js';
import { trackReceipts } from '../../../../src/cli/shared/receipts.js';
import type { Token } from '../../../../streams/client/envelope/cipher.js';
import type { ClientEvent } from '../../../../streams/client/clientEvent.js';
import { welcomeEvent } from '../../../support/clientEvents.js';
import { marbles } from '../../../support/marbles.js';

const offline = (reason: string): ClientEvent => ({ type: 'offline', reason, retryMs: 500, attempt: 1 });
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
  o: offline('gone'),
  p: offline('refused'),
  a: sentBy('a'),
  b: sentBy('b'),
  A: stored('a'),
  B: stored('b'),
};
const reported = { P: 'offline: refused; reconnecting', B: 'online again' };

describe('tellOffline', () => {
  test('says nothing of a relay that is back in time', () => {
    marbles(({ hot, expectObservable }) => {
      const event$ = hot('w 9s o 7999ms w 9s |', events);
      expectObservable(event$.pipe(describeOutages())).toBe('- 9s - 7999ms - 9s |');
    });
  });

  test('says it once after 8 s, with the newest reason, and when it is over', () => {
    marbles(({ hot, expectObservable }) => {
      const event$ = hot('                                w o 1s p 11s p w |', events);
      expectObservable(event$.pipe(describeOutages())).toBe('- - 7999ms P 4002ms B |', reported);
    });
  });

  test('ends with what it listens to, whatever it waits for', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('o 1s |', events).pipe(describeOutages())).toBe('- 1s |');
    });
  });
});

describe('giveUp', () => {
  /** Updates the receipts before the notices, as the commands do. */
  const given = (rendered: string, timeout: number, expected: string, message: string) => {
    marbles(({ hot, expectObservable }) => {
      const account = trackReceipts();
      const event$ = hot(rendered, events).pipe(
        map((each) => {
          account.update(each);
          return each;
        }),
        share(),
      );
      const end$ = merge(event$, event$.pipe(receiptTimeout(account, timeout))).pipe(
        map(({ type }) => type[0] as string),
      );
      expectObservable(end$, '20s !').toBe(expected, undefined, expect.objectContaining({ message }));
    });
  };

  test('errors once what was said waits so long without any receipt', () => {
    given('wa', 1000, 'wq 999ms #', 'no receipt for 1 s: the relay does not answer');
  });

  test('each receipt restarts the wait, and the last one ends it', () => {
    given('wab 900ms A 900ms B', 1000, 'wqq 900ms s 900ms s', '');
  });

  test('gives the newest reason of being offline', () => {
    given('wao 100ms p', 1000, 'wqo 100ms o 897ms #', 'no receipt for 1 s: refused');
  });

  test('who waits to come in waits no longer either', () => {
    given('o 600ms p', 1000, 'o 600ms o 398ms #', 'no receipt for 1 s: refused');
  });

  test('who has nothing to wait for may be offline for ever, and with 0 anybody may', () => {
    given('w o', 1000, 'w o', '');
    given('wao', 0, 'wqo', '');
  });
});

describe('groupKeysTimeout', () => {
  const noKeys: Record<string, ClientEvent> = { ...events, n: { type: 'no-group-info' } };
  const message = 'no member was online for 1 s, and the log has no keys of the group';

  test('errors once the log has had no keys during the timeout, also if a lost connection finds that again', () => {
    marbles(({ hot, expectObservable }) => {
      const event$ = hot('wn 500ms n', noKeys);
      expectObservable(event$.pipe(groupKeysTimeout(1000, { hasKeys: () => false }))).toBe(
        '- 1s #',
        undefined,
        expect.objectContaining({ message, exitCode: 3 }),
      );
    });
  });

  test('does not error if the keys came meanwhile, if the log has them, and with 0', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('wn', noKeys).pipe(groupKeysTimeout(1000, { hasKeys: () => true }))).toBe(
        '- 1s |',
      );
      expectObservable(hot('wao', noKeys).pipe(groupKeysTimeout(1000, { hasKeys: () => false }))).toBe('');
      expectObservable(hot('wn', noKeys).pipe(groupKeysTimeout(0, { hasKeys: () => false }))).toBe('');
    });
  });

  test('describeMissingKeys reports it once', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('wn-n|', noKeys).pipe(describeMissingKeys)).toBe('-(r|)', {
        r: 'the log of the room has no keys of the group; waiting until a member is online',
      });
    });
  });
});

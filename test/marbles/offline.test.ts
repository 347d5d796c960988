import { describe, expect, test } from '@jest/globals';
import { map, merge, share } from 'rxjs';
import { giveUp, tellOffline } from '../../src/cli/offline.js';
import { receipts } from '../../src/cli/receipts.js';
import type { Token } from '../../streams/client/cipher.js';
import type { Heard } from '../../streams/client/conversation.js';
import { welcome } from '../support/heard.js';
import { marbles } from '../support/marbles.js';

const offline = (reason: string): Heard => ({ type: 'offline', reason, retryMs: 500, attempt: 1 });
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
  o: offline('gone'),
  p: offline('refused'),
  a: said('a'),
  b: said('b'),
  A: stored('a'),
  B: stored('b'),
};
const told = { P: 'offline: refused; trying again', B: 'online again' };

describe('tellOffline', () => {
  test('says nothing of a relay that is back in time', () => {
    marbles(({ hot, expectObservable }) => {
      const heard$ = hot('w 9s o 7999ms w 9s |', heard);
      expectObservable(heard$.pipe(tellOffline())).toBe('- 9s - 7999ms - 9s |');
    });
  });

  test('says it once after 8 s, with the newest reason, and when it is over', () => {
    marbles(({ hot, expectObservable }) => {
      const heard$ = hot('                                w o 1s p 11s p w |', heard);
      expectObservable(heard$.pipe(tellOffline())).toBe('- - 7999ms P 4002ms B |', told);
    });
  });

  test('ends with what it listens to, whatever it waits for', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('o 1s |', heard).pipe(tellOffline())).toBe('- 1s |');
    });
  });
});

describe('giveUp', () => {
  /** The account is kept, then looked at, as the commands do it. */
  const given = (drawn: string, timeout: number, expected: string, message: string) => {
    marbles(({ hot, expectObservable }) => {
      const account = receipts();
      const heard$ = hot(drawn, heard).pipe(
        map((each) => {
          account.take(each);
          return each;
        }),
        share(),
      );
      const end$ = merge(heard$, heard$.pipe(giveUp(account, timeout))).pipe(
        map(({ type }) => type[0] as string),
      );
      expectObservable(end$, '20s !').toBe(expected, undefined, expect.objectContaining({ message }));
    });
  };

  test('errors once what was said waits so long without any receipt', () => {
    given('wa', 1000, 'ws 999ms #', 'no receipt for 1 s: the relay does not answer');
  });

  test('each receipt begins the wait anew, and with the last it is over', () => {
    given('wab 900ms A 900ms B', 1000, 'wss 900ms s 900ms s', '');
  });

  test('gives the newest reason of being offline', () => {
    given('wao 100ms p', 1000, 'wso 100ms o 897ms #', 'no receipt for 1 s: refused');
  });

  test('who waits to come in waits no longer either', () => {
    given('o 600ms p', 1000, 'o 600ms o 398ms #', 'no receipt for 1 s: refused');
  });

  test('who has nothing to wait for may be offline for ever, and with 0 anybody may', () => {
    given('w o', 1000, 'w o', '');
    given('wao', 0, 'wso', '');
  });
});

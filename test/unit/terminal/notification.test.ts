import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { notificationSequence, wrapForTmux } from '../../../src/terminal/notification.js';
import { hostileText, UNSAFE } from '../../support/clientEvents.js';

describe('a notice on the desktop', () => {
  test('is one sequence that the terminal knows', () => {
    expect(notificationSequence('osc9', 'bob', 'hello; alice')).toBe('\x1b]9;bob: hello, alice\x07');
    expect(notificationSequence('osc777', 'b;ob', 'hello')).toBe('\x1b]777;notify;b,ob;hello\x07');
  });

  test('passes tmux', () => {
    expect(wrapForTmux(notificationSequence('osc9', 'bob', 'hi'))).toBe(
      '\x1bPtmux;\x1b\x1b]9;bob: hi\x07\x1b\\',
    );
  });

  test('holds nothing that others could end it with, and is short', () => {
    fc.assert(
      fc.property(hostileText, hostileText, fc.constantFrom('osc9', 'osc777'), (who, text, kind) => {
        const [, field = ''] =
          // eslint-disable-next-line no-control-regex -- the pattern matches terminal sequences
          /^\x1b\](?:9|777;notify);(.*)\x07$/su.exec(notificationSequence(kind, who, text)) ?? [];
        expect(field).not.toMatch(UNSAFE);
        expect(field.split(';')).toHaveLength(kind === 'osc9' ? 1 : 2);
        expect(field.length).toBeLessThanOrEqual(401);
      }),
    );
    expect(notificationSequence('osc9', 'bob', 'x'.repeat(9999)).length).toBeLessThan(250);
  });
});

import { describe, expect, test } from '@jest/globals';
import { type Fault, faults } from '../../../src/testing/fakeRelay.js';
import { marbles } from '../../support/marbles.js';

const fault: Record<string, Fault> = {
  c: { type: 'cut' },
  f: { type: 'freeze' },
  t: { type: 'thaw' },
  h: { type: 'half-open' },
  d: { type: 'down' },
  u: { type: 'up' },
  s: { type: 'delay', ms: 1500 },
};

describe('faults', () => {
  test.each([
    ['none', '', '|'],
    ['one at once', 'cut', '(c|)'],
    ['each in its time', '5ms cut 1s freeze 1.5m thaw', '5ms c 999ms f 89999ms (t|)'],
    ['several at one time', ' half-open\n down  up ', '(hdu|)'],
    ['delays', '3ms delay=1500ms', '---(s|)'],
    ['a wait at the end', 'cut 3ms', 'c--|'],
  ])('%s', (_name, script, rendered) => {
    marbles(({ expectObservable }) => {
      expectObservable(faults(script)).toBe(rendered, fault);
    });
  });

  test.each(['cat', '5', '5h', 'delay=', 'delay=fast', '-5ms'])('rejects %s at once', (word) => {
    expect(() => faults(`cut ${word}`)).toThrow(new RegExp(`^a fault script has no "${word}": it has times`));
  });

  test('unsubscribing stops it', () => {
    marbles(({ expectObservable }) => {
      expectObservable(faults('2ms cut 2ms cut'), '---!').toBe('--c', fault);
    });
  });
});

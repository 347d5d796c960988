import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { browserResume } from '../../../src/browser/browserResume.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A window with a document; `hidden` says whether it can be seen. */
const imaginedWindow = () => {
  const document = Object.assign(new EventTarget(), { hidden: false });
  return Object.assign(new EventTarget(), { document });
};

/** Counts what comes, until it is let go. */
const counting = (target: object) => {
  let count = 0;
  const subscription = browserResume(target).subscribe(() => (count += 1));
  return { count: () => count, end: () => subscription.unsubscribe() };
};

describe('browserResume', () => {
  test('emits when the network is back, the page goes on, or it can be seen again', () => {
    const window = imaginedWindow();
    const { count, end } = counting(window);
    window.dispatchEvent(new Event('online'));
    expect(count()).toBe(1);
    window.document.dispatchEvent(new Event('resume'));
    expect(count()).toBe(2);
    window.document.hidden = true;
    window.document.dispatchEvent(new Event('visibilitychange'));
    expect(count()).toBe(2);
    window.document.hidden = false;
    window.document.dispatchEvent(new Event('visibilitychange'));
    expect(count()).toBe(3);
    end();
    window.dispatchEvent(new Event('online'));
    expect(count()).toBe(3);
  });

  test('emits for a page that comes back from the cache of left pages, not for one that is loaded', () => {
    const window = imaginedWindow();
    const { count, end } = counting(window);
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }));
    expect(count()).toBe(0);
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
    expect(count()).toBe(1);
    end();
  });

  test('emits when a timer was late, in a worker and outside of browsers too', () => {
    for (const target of [imaginedWindow(), new EventTarget(), {}]) {
      const { count, end } = counting(target);
      jest.advanceTimersByTime(5000);
      expect(count()).toBe(0);
      jest.setSystemTime(Date.now() + 60_000);
      jest.advanceTimersByTime(1000);
      expect(count()).toBe(1);
      end();
      expect(jest.getTimerCount()).toBe(0);
    }
  });
});

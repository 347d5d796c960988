import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { detectResume } from '../../../src/browser/keyRoomPlatform.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A window with a document, whose `hidden` a test sets. */
const imaginedWindow = () => {
  const document = Object.assign(new EventTarget(), { hidden: false });
  return Object.assign(new EventTarget(), { document });
};

/** Counts the values until `end`. */
const counting = (target: object) => {
  let count = 0;
  const subscription = detectResume(target).subscribe(() => (count += 1));
  return { count: () => count, end: () => subscription.unsubscribe() };
};

describe('detectResume', () => {
  test('emits when the network is back, the page resumes or it becomes visible', () => {
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

  test('emits for a page from the back/forward cache, and not for a loaded page', () => {
    const window = imaginedWindow();
    const { count, end } = counting(window);
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }));
    expect(count()).toBe(0);
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
    expect(count()).toBe(1);
    end();
  });

  test('emits when a timer was late, also in a worker and outside of browsers', () => {
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

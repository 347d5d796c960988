import { expect } from '@jest/globals';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';

/**
 * Runs a drawing on a clock of its own; what was drawn as expected is compared once the callback has returned. A timer
 * of `Infinity` ms never comes, and is not waited for.
 */
export const marbles = (draw: (helpers: RunHelpers) => void): void => {
  const scheduler = new TestScheduler((actual, expected) => {
    if (process.env['MARBLES_DEBUG']) {
      const r = (all: any) => JSON.stringify(all.map((e: any) => e.notification === undefined ? [e.subscribedFrame, e.unsubscribedFrame] : [e.frame, e.notification.kind === 'N' ? String(e.notification.value).replace(/_+$/, '') : e.notification.kind, e.notification.error && String(e.notification.error)]).map((e: any) => e.filter((x: any) => x !== undefined).join(' ')));
      if (JSON.stringify(actual) !== JSON.stringify(expected)) process.stderr.write(`ACT ${r(actual)}\nEXP ${r(expected)}\n`);
    }
    expect(actual).toStrictEqual(expected);
  });
  scheduler.run((helpers) => {
    scheduler.maxFrames = Number.MAX_SAFE_INTEGER;
    draw(helpers);
  });
};

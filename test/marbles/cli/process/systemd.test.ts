import { expect, test } from '@jest/globals';
import { Observable } from 'rxjs';
import { type Notify, reportToSystemd, type SystemdVariables } from '../../../../src/cli/process/systemd.js';
import { marbles } from '../../../support/marbles.js';

const NAMES = { 'READY=1': 'r', 'STOPPING=1': 's', 'WATCHDOG=1': 'w' } as const;

/** Draws what systemd gets until the process stops. */
const draw = (stopped: string, expected: string, variables: SystemdVariables): void => {
  marbles(({ cold, expectObservable }) => {
    const notified$ = new Observable<string>((subscriber) => {
      const notify: Notify = (state) => {
        subscriber.next(NAMES[state]);
      };
      return reportToSystemd(cold(stopped), variables, notify).subscribe(subscriber);
    });
    expectObservable(notified$).toBe(expected);
  });
};

test('a service reports that it is ready, and that it stops', () => {
  draw('---x|', 'r--(s|)', { NOTIFY_SOCKET: '/run/n' });
});

test('a service with a watchdog reports twice per interval until it stops', () => {
  const watched = { NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '4000' };
  draw('-----x|', 'r-w-w(s|)', watched);
  draw('-----x|', 'r-w-w(s|)', { ...watched, WATCHDOG_PID: String(process.pid) });
});

test('the watchdog of another process is not answered', () => {
  draw('-----x|', 'r----(s|)', { NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '4000', WATCHDOG_PID: '1' });
});

test('without systemd nothing is reported', () => {
  const notified: string[] = [];
  marbles(({ cold, expectObservable }) => {
    expectObservable(reportToSystemd(cold('--x|'), {}, (state) => notified.push(state))).toBe('|');
  });
  expect(notified).toStrictEqual([]);
});

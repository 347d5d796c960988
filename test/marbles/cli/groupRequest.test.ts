import { describe, expect, test } from '@jest/globals';
import { catchError, type Observable, throwError, timer } from 'rxjs';
import { requestWhenCaughtUp } from '../../../src/cli/commands/group/groupRequest.js';
import { groupRoster } from '../../../src/text/groupRoster.js';
import type { ClientEvent, GroupRequest } from '../../../streams/client/index.js';
import { CliError } from '../../../src/cli/process/exit.js';
import { messageEvent, welcomeEvent } from '../../support/clientEvents.js';
import { deviceOf, epochEvent } from '../../support/groupEvents.js';
import { marbles } from '../../support/marbles.js';

const REFUSAL = new CliError(4, 'the room keeps its invite: only members can');

const ROTATE: GroupRequest = { type: 'rotate' };

const EVENTS: Readonly<Record<string, ClientEvent>> = {
  W: welcomeEvent({ next: 3 }),
  e: epochEvent({ position: 1 }),
  m: messageEvent({ position: 2 }),
  d: { type: 'request-done', request: ROTATE },
  f: { type: 'first-seen', position: 2, nick: 'bob', key: deviceOf('bob').key },
  M: epochEvent({ position: 3, change: 'moved', own: true, moved: true }),
  h: { type: 'handshake', position: 1 },
  o: { type: 'request-done', request: { type: 'renew' } },
  x: { type: 'removed', position: 3, by: deviceOf('bob') },
  r: { type: 'request-refused', request: ROTATE, reason: 'only members can' },
  u: { type: 'request-refused', request: ROTATE, reason: 'no answer', code: 'unreachable' },
};

/** The equality of errors does not cover the exit code. */
const withExitCode = ({ exitCode, message }: CliError): Error => new Error(`${exitCode}: ${message}`);

/** Draws what a request gives, and returns the events after which it was sent. */
const draw = (
  event: string,
  expected: string,
  choose: () => GroupRequest | undefined = () => ROTATE,
  error = REFUSAL,
): readonly number[] => {
  const sentAt: number[] = [];
  marbles(({ hot, expectObservable }) => {
    const roster = groupRoster({
      ownKey: deviceOf('alice').key,
      isVerified: () => false,
      knownKeys: new Map(),
    });
    let handled = 0;
    const tracked = {
      ...roster,
      update: (each: ClientEvent) => {
        handled += 1;
        return roster.update(each);
      },
    };
    const event$: Observable<ClientEvent> = hot(event, EVENTS, REFUSAL);
    expectObservable(
      event$.pipe(
        requestWhenCaughtUp({ roster: tracked, choose, send: () => sentAt.push(handled), tick$: timer(0) }),
        catchError((failure: CliError) => throwError(() => withExitCode(failure))),
      ),
    ).toBe(expected, { x: true }, withExitCode(error));
  });
  return sentAt;
};

describe('requestWhenCaughtUp', () => {
  test('requests once the log is read, and emits when that is done', () => {
    expect(draw('-W-e-m-d-', '-------(x|)')).toStrictEqual([3]);
  });

  test('requests after all events about the last entry', () => {
    expect(draw('-W-e-(fm)-d-', '----------(x|)')).toStrictEqual([4]);
  });

  test('waits until this device is a member', () => {
    expect(draw('-W-m-e-d-', '-------(x|)')).toStrictEqual([3]);
  });

  test('waits after a move until the next room has a group info', () => {
    expect(draw('-W-e-m-M-d-W-h-', '-------------(x|)')).toStrictEqual([3]);
  });

  test('does not take the end of another request for its own', () => {
    expect(draw('-W-e-m-o-d-', '---------(x|)')).toStrictEqual([3]);
  });

  test('emits once the log is read if nothing is requested', () => {
    expect(draw('-W-e-m-', '-----(x|)', () => undefined)).toStrictEqual([]);
  });

  test('errors if the request is refused', () => {
    expect(draw('-W-e-m-r-', '-------#')).toStrictEqual([3]);
  });

  test('errors with who removed this device, also before it has requested anything', () => {
    const removed = new CliError(11, 'someone with the key bob-----… removed you from the room');
    expect(draw('-W-e-x-', '-----#', undefined, removed)).toStrictEqual([]);
    expect(draw('-W-e-m-x-', '-------#', undefined, removed)).toStrictEqual([3]);
  });

  test('errors with the exit code of the network if the relay could not be asked', () => {
    const error = new CliError(3, 'the room keeps its invite: no answer; try again later');
    draw('-W-e-m-u-', '-------#', undefined, error);
  });

  test('errors if there is nothing to choose', () => {
    draw('-W-e-m-', '-----#', () => {
      throw REFUSAL;
    });
  });

  test.each([
    ['completes without a value if the client ends', '-W-e|', '----|'],
    ['never emits without events', '-', '-'],
    ['passes an error on', '-W-#', '---#'],
  ])('%s', (_, event, expected) => {
    draw(event, expected);
  });
});

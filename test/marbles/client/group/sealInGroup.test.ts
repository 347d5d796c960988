import { describe, expect, test } from '@jest/globals';
import { nodeCipher } from '../../../../src/crypto/nodeCipher.js';
import { map, pipe, tap } from 'rxjs';
import { RemovedError } from '../../../../streams/client/group/errors.js';
import { openFrame } from '../../../../streams/client/group/frame.js';
import { openInGroup } from '../../../../streams/client/group/openInGroup.js';
import { sealInGroup } from '../../../../streams/client/group/sealInGroup.js';
import { LimitError } from '../../../../streams/wire/errors.js';
import { memberState, roomOfThree } from '../../../support/group/room.js';
import {
  entryOf,
  messageOf,
  outerKeyOf,
  sessionOf,
  type TestSession,
} from '../../../support/group/session.js';
import { marbles } from '../../../support/marbles.js';

const x = messageOf('x', 1);
const y = messageOf('y', 2);
const z = messageOf('z', 3);

/** Where a session seals: the epoch and the generation of each token. */
const sealed = (session: TestSession) =>
  pipe(
    sealInGroup(session),
    map(({ content, token }) => {
      const frame = openFrame(nodeCipher(), outerKeyOf(1), token);
      if (typeof frame === 'string' || frame.type !== 'message') throw new Error('a message');
      return `${content.lines.join()} ${frame.epoch} ${frame.generation}`;
    }),
  );

describe('sealInGroup', () => {
  test('seals each message with the next message key', () => {
    const { carol } = roomOfThree();
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const content$ = cold('-x-yz-|', { x, y, z });
      expectObservable(content$.pipe(sealed(sessionOf(carol)))).toBe('-x-yz-|', {
        x: 'x 2 0',
        y: 'y 2 1',
        z: 'z 2 2',
      });
      expectSubscriptions(content$.subscriptions).toBe('^-----!');
    });
  });

  test('subscribes to its source once the device is a member', () => {
    const { room } = roomOfThree();
    const dave = room.device(4);
    room.readAll(dave);
    room.join(dave);
    const session = sessionOf(dave);
    const d = entryOf(room.log.at(-1)!, room.log.length);
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const entry$ = cold('  --d----|', { d });
      const content$ = cold('  -x-|', { x });
      expectObservable(
        entry$.pipe(
          openInGroup(session),
          map(({ type }) => type),
        ),
      ).toBe('--e----|', { e: 'epoch' });
      expectObservable(content$.pipe(sealed(session))).toBe('---x-|', { x: 'x 3 0' });
      expectSubscriptions(content$.subscriptions).toBe('     --^--!');
    });
  });

  test('starts with the first key of an epoch', () => {
    const { room, alice, bob } = roomOfThree();
    room.commit(alice);
    const k = entryOf(room.log.at(-1)!, room.log.length);
    const session = sessionOf(bob);
    marbles(({ hot, expectObservable }) => {
      const entry$ = hot('  --k---|', { k });
      const content$ = hot('xy----z|', { x, y, z });
      expectObservable(
        entry$.pipe(
          openInGroup(session),
          map(({ type }) => type),
        ),
      ).toBe('--e---|', { e: 'epoch' });
      expectObservable(content$.pipe(sealed(session))).toBe('xy----z|', {
        x: 'x 2 0',
        y: 'y 2 1',
        z: 'z 3 0',
      });
    });
  });

  test('errors at the first message after a removal', () => {
    const { room, alice, bob } = roomOfThree();
    room.commit(alice, { remove: [memberState(bob).epoch.view.leaf] });
    room.readAll(bob);
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const content$ = cold('--x-|', { x });
      const error = new RemovedError('a member removed you from this room');
      expectObservable(content$.pipe(sealed(sessionOf(bob)))).toBe('--#', {}, error);
      expectSubscriptions(content$.subscriptions).toBe('^-!');
    });
  });

  test('errors for a message that is too long', () => {
    const { carol } = roomOfThree();
    const long = messageOf('x'.repeat(60_000), 1);
    const errors: unknown[] = [];
    marbles(({ cold, expectObservable }) => {
      const content$ = cold('-l', { l: long }).pipe(
        sealed(sessionOf(carol)),
        tap({ error: (error: unknown) => errors.push(error) }),
      );
      expectObservable(content$.pipe(map(() => 'sealed'))).toBe('-#', {}, expect.any(LimitError));
    });
    expect(errors).toHaveLength(1);
  });

  test('never completes, completes and errors with its source, and releases it', () => {
    const { carol } = roomOfThree();
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      expectObservable(cold('-', { x }).pipe(sealed(sessionOf(carol)))).toBe('-');
      expectObservable(cold('--|', { x }).pipe(sealed(sessionOf(carol)))).toBe('--|');
      expectObservable(cold('--#', { x }, 'gone').pipe(sealed(sessionOf(carol)))).toBe('--#', {}, 'gone');
      const content$ = hot('-x-x', { x });
      expectObservable(content$.pipe(sealed(sessionOf(carol))), '--!').toBe('-x', { x: 'x 2 0' });
      expectSubscriptions(content$.subscriptions).toBe('         ^-!');
    });
  });
});

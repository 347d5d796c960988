import { expect, test } from '@jest/globals';
import { of, Subject, tap } from 'rxjs';
import {
  deliverToCommand,
  createDeliveryBatches,
  batchDeliveries,
} from '../../../../src/cli/commands/listen/delivery.js';
import { createBackpressure } from '../../../../src/cli/shared/backpressure.js';
import type { ClientEvent, Message } from '../../../../streams/index.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { messageEvent } from '../../../support/clientEvents.js';

/** A backpressure whose connection records when it is paused and resumed. */
const reportedBy = (limit: number) => {
  const calls: string[] = [];
  const connection = {
    ...fakeConnection(),
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
  };
  const pending = createBackpressure(limit);
  pending
    .wrapConnect(() => of(connection))(undefined)
    .subscribe();
  return { pending, calls };
};

test('backpressure pauses the relay at the limit, until half of the queue is left', () => {
  const { pending, calls } = reportedBy(4);
  pending.add(4);
  expect([pending.isPaused(), calls]).toStrictEqual([false, []]);
  pending.add(6);
  expect([pending.isPaused(), calls]).toStrictEqual([true, ['pause']]);
  for (let left = 9; left > 2; left -= 1) pending.add(-1);
  expect(calls).toStrictEqual(['pause']);
  pending.add(-1);
  expect([pending.isPaused(), calls]).toStrictEqual([false, ['pause', 'resume']]);
});

test('backpressure pauses the relay within the tick of a slow command, and resumes it for the last messages', async () => {
  const { pending, calls } = reportedBy(4);
  const sent$ = new Subject<ClientEvent>();
  const running: { readonly message: Message; readonly end: () => void }[] = [];
  const slow = (message: Message) => {
    const ended$ = new Subject<void>();
    running.push({
      message,
      end: () => {
        ended$.next();
        ended$.complete();
      },
    });
    return ended$;
  };
  const read = createDeliveryBatches({
    filter: (clientEvent) => [{ event: clientEvent, isSelected: true }],
    start: { log: 'log', position: 0, lines: 0 },
    count: 9,
    failOnGap: false,
  });
  const taken: number[] = [];
  const done = new Promise<void>((resolve) => {
    sent$
      .pipe(
        batchDeliveries(read, pending),
        deliverToCommand(() => ({}), slow, pending),
        tap((cursor) => cursor !== undefined && taken.push(cursor.position)),
      )
      .subscribe({ complete: resolve });
  });

  for (let position = 1; position <= 9; position += 1) {
    sent$.next(messageEvent({ position }));
    expect(calls).toStrictEqual(position <= 4 ? [] : ['pause']);
  }
  await new Promise(setImmediate);
  for (let position = 1; position <= 9; position += 1) {
    // One at a time: the next one starts when this one has ended.
    expect(running.map((each) => each.message.position)).toStrictEqual(
      Array.from({ length: position }, (_, at) => at + 1),
    );
    expect(calls).toStrictEqual(9 - taken.length > 2 ? ['pause'] : ['pause', 'resume']);
    running.at(-1)?.end();
  }
  await done;
  expect(taken).toStrictEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(pending.isPaused()).toBe(false);
});

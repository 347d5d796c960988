import { expect, test } from '@jest/globals';
import { of, Subject, tap } from 'rxjs';
import { toCommand } from '../../src/cli/listening/delivery.js';
import { pressure } from '../../src/cli/listening/pressure.js';
import { readings, readTogether } from '../../src/cli/listening/readings.js';
import type { Heard, Message } from '../../streams/index.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { message } from '../support/heard.js';

/** A pressure whose connection tells when it is paused and resumed. */
const told = (limit: number) => {
  const calls: string[] = [];
  const connection = {
    ...fakeConnection(),
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
  };
  const held = pressure(limit);
  held
    .through(() => of(connection))(undefined)
    .subscribe();
  return { held, calls };
};

test('the relay is not read beyond the limit, until half of it is left', () => {
  const { held, calls } = told(4);
  held.add(4);
  expect([held.isHeld(), calls]).toStrictEqual([false, []]);
  held.add(6);
  expect([held.isHeld(), calls]).toStrictEqual([true, ['pause']]);
  for (let left = 9; left > 2; left -= 1) held.add(-1);
  expect(calls).toStrictEqual(['pause']);
  held.add(-1);
  expect([held.isHeld(), calls]).toStrictEqual([false, ['pause', 'resume']]);
});

test('a slow command holds the relay within the very turn, and lets it go on while its last messages are taken', async () => {
  const { held, calls } = told(4);
  const said$ = new Subject<Heard>();
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
  const read = readings({
    sift: (heard) => [{ heard, isWanted: true }],
    start: { log: 'log', position: 0, lines: 0 },
    count: 9,
    failOnGap: false,
  });
  const taken: number[] = [];
  const done = new Promise<void>((resolve) => {
    said$
      .pipe(
        readTogether(read, held),
        toCommand(() => ({}), slow, held),
        tap((cursor) => cursor !== undefined && taken.push(cursor.position)),
      )
      .subscribe({ complete: resolve });
  });

  for (let position = 1; position <= 9; position += 1) {
    said$.next(message({ position }));
    expect(calls).toStrictEqual(position <= 4 ? [] : ['pause']);
  }
  await new Promise(setImmediate);
  for (let position = 1; position <= 9; position += 1) {
    // One at a time: the next one begins when this has ended.
    expect(running.map((each) => each.message.position)).toStrictEqual(
      Array.from({ length: position }, (_, at) => at + 1),
    );
    expect(calls).toStrictEqual(9 - taken.length > 2 ? ['pause'] : ['pause', 'resume']);
    running.at(-1)?.end();
  }
  await done;
  expect(taken).toStrictEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(held.isHeld()).toBe(false);
});

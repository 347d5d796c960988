import { expect, test } from '@jest/globals';
import { of } from 'rxjs';
import { pressure } from '../../src/cli/listening/pressure.js';
import { fakeConnection } from '../support/fakeConnection.js';

test('the relay is not read beyond the limit, until half of it is left', () => {
  const calls: string[] = [];
  const connection = {
    ...fakeConnection(),
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
  };
  const held = pressure(4);
  held
    .through(() => of(connection))(undefined)
    .subscribe();
  held.add(4);
  expect([held.isHeld(), calls]).toStrictEqual([false, []]);
  held.add(6);
  expect([held.isHeld(), calls]).toStrictEqual([true, ['pause']]);
  for (let left = 9; left > 2; left -= 1) held.add(-1);
  expect(calls).toStrictEqual(['pause']);
  held.add(-1);
  expect([held.isHeld(), calls]).toStrictEqual([false, ['pause', 'resume']]);
});

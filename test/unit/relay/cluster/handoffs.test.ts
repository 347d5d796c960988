import { expect, test } from '@jest/globals';
import { Handoffs } from '../../../../streams/relay/cluster/handoffs.js';

test('a handoff of a writer is taken once it, or a later one, is in the log', () => {
  const handoffs = new Handoffs('own/1');
  handoffs.take([{ writer: 'a/1', number: 2 }]);
  handoffs.take([{ writer: 'a/1', number: 1 }]);
  expect([1, 2, 3].map((number) => handoffs.isTaken({ writer: 'a/1', number }))).toStrictEqual([
    true,
    true,
    false,
  ]);
});

test('only the newest 256 writers are remembered, and a writer that goes on is one of them', () => {
  const handoffs = new Handoffs('own/1');
  for (let n = 0; n <= 300; n += 1)
    handoffs.take([
      { writer: 'busy/1', number: n },
      { writer: `${n}/1`, number: 1 },
    ]);
  const isTaken = (writer: string, number = 1) => handoffs.isTaken({ writer, number });
  expect([isTaken('busy/1', 300), isTaken('300/1'), isTaken('46/1'), isTaken('45/1')]).toStrictEqual([
    true,
    true,
    true,
    false,
  ]);
});

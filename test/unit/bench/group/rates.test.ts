import { expect, test } from '@jest/globals';
import { compareRates, type Way } from '../../../../bench/group/rates.mjs';

const messages = [{ lines: ['first'] }, { lines: ['second'] }, { lines: ['third', 'fourth'] }];

type Event = ReturnType<Way<unknown>['open']>[number];

/** Opens what it sealed, changed by `change`. */
const way = (
  change: (events: readonly Event[]) => readonly Event[] = (events) => events,
): Way<typeof messages> => ({
  seal: (each) => each.map(({ lines }) => ({ lines: [...lines] })),
  open: (sealed) => change(sealed.map((envelope) => ({ type: 'opened', envelope }))),
});

test('two ways that open what they sealed are compared', () => {
  const { seal, open } = compareRates([way(), way()], messages, 3);
  for (const { rates, ratio } of [seal, open]) {
    expect(rates).toHaveLength(2);
    expect(ratio.min).toBeGreaterThan(0);
    expect(ratio.max).toBeGreaterThanOrEqual(ratio.min);
  }
});

const opened = (...lines: string[]): Event => ({ type: 'opened', envelope: { lines } });

test.each<[string, RegExp, (events: readonly Event[]) => readonly Event[]]>([
  ['none', /3 messages were sealed, and 0 events/, () => []],
  ['one less', /3 messages were sealed, and 2 events/, (events) => events.slice(1)],
  ['one twice', /3 messages were sealed, and 4 events/, (events) => [...events, ...events.slice(2)]],
  ['one twice and another not at all', /message 3 is not/, ([one, other]) => [one!, other!, other!]],
  ['two in another order', /message 1 is not/, ([one, other, last]) => [other!, one!, last!]],
  ['another text', /message 2 is not/, (events) => events.with(1, opened('Second'))],
  ['a line less', /message 3 is not/, (events) => events.with(2, opened('third'))],
  ['a line more', /message 1 is not/, (events) => events.with(0, opened('first', 'first'))],
  [
    'what it could not open',
    /message 2 was not opened: undecryptable/,
    (events) => events.with(1, { type: 'undecryptable' }),
  ],
])('a way that opens %s ends the benchmark, in either place', (_what, error, change) => {
  expect(() => compareRates([way(), way(change)], messages, 1)).toThrow(error);
  expect(() => compareRates([way(change), way()], messages, 1)).toThrow(error);
});

test('a way that is wrong only once ends the benchmark too', () => {
  let calls = 0;
  const late = way((events) => ((calls += 1) === 4 ? events.slice(1) : events));
  expect(() => compareRates([way(), late], messages, 2)).toThrow(/events came out/);
  expect(calls).toBe(4);
});

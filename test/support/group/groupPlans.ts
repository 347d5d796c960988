import fc from 'fast-check';
import type { GroupAction, GroupPlan } from './groupSimulation.js';

type WeightedAction = fc.WeightedArbitrary<GroupAction>;

const who = fc.nat(9);
const one = (
  weight: number,
  name: 'say' | 'stop' | 'crash' | 'rotate' | 'renew' | 'leave' | 'start' | 'send',
): WeightedAction => ({ weight, arbitrary: fc.record({ do: fc.constant(name), who }) });
const fault: fc.Arbitrary<GroupAction> = fc.record({
  do: fc.constant('fault'),
  fault: fc.oneof(
    fc.record({ type: fc.constantFrom('cut', 'cut', 'freeze', 'thaw', 'half-open', 'down', 'up', 'up') }),
    fc.record({ type: fc.constant('delay'), ms: fc.constantFrom(1, 20, 500) }),
  ),
});

const wait = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 30 }) },
  { weight: 4, arbitrary: fc.integer({ min: 30, max: 1500 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1500, max: 20_000 }) },
);

/** Members join, send, renew and stop. */
export const NORMAL: readonly WeightedAction[] = [
  one(8, 'start'),
  one(12, 'say'),
  one(1, 'stop'),
  one(2, 'renew'),
];
/** Members are removed and leave, and the room moves. */
export const CHANGES: readonly WeightedAction[] = [
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove'), who, by: fc.nat(2) }) },
  one(1, 'rotate'),
  one(1, 'leave'),
];
/** Any member removes another, also the creator. */
export const REMOVALS: readonly WeightedAction[] = [
  { weight: 4, arbitrary: fc.record({ do: fc.constant('remove'), who, by: who }) },
];
/** Clients crash, and connections and the relay fail. */
export const FAULTS: readonly WeightedAction[] = [one(2, 'crash'), { weight: 4, arbitrary: fault }];
/** Somebody who is no member sends. */
export const EXTERNAL: readonly WeightedAction[] = [one(6, 'send')];
/** Devices read again what they have read. */
export const REREADS: readonly WeightedAction[] = [
  one(2, 'stop'),
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('start'), who, last: fc.constantFrom(1, 5, 100) }),
  },
];
/** The relay loses its logs. */
export const LOSSES: readonly WeightedAction[] = [{ weight: 1, arbitrary: fc.constant({ do: 'lose logs' }) }];

/** The relay refuses new rooms at times. `once`: it refuses a room that it served when it was asked first. */
export const REFUSALS: readonly WeightedAction[] = [
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('serve'), newRooms: fc.constantFrom('open', 'closed', 'once') }),
  },
];

/** Generates plans of actions. Everything but the actions can be fixed. */
export const planWith = (
  actions: readonly WeightedAction[],
  options: Partial<{
    readonly [Key in Exclude<keyof GroupPlan, 'actions'>]: fc.Arbitrary<GroupPlan[Key]>;
  }> = {},
): fc.Arbitrary<GroupPlan> =>
  fc.record({
    persons: fc.integer({ min: 3, max: 5 }),
    processes: fc.constant(1),
    removalRule: fc.constant('creator'),
    forgetMs: fc.constant(Infinity),
    saveMs: fc.constantFrom(0, 0, 5, 400),
    latencyMs: fc.constantFrom(1, 20, 300),
    seed: fc.nat(1_000_000),
    cryptography: fc.nat(24).map((number) => (number === 24 ? 'node' : 'fast')),
    ...options,
    actions: fc.array(fc.tuple(wait, fc.oneof(...actions)), { minLength: 10, maxLength: 50 }),
  });

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nodeSuite } from '../../../../src/crypto/nodeSuite.js';
import { createStarEngine } from '../../../../streams/client/group/index.js';
import { seededRandom } from '../../../support/cryptoSuites.js';
import { type Action, EngineScenario, type Step } from '../../../support/group/engineScenario.js';
import { createMlsEngine } from '../../../support/group/mls/mlsEngine.js';

/** More with `RXCHAT_MODEL_RUNS=500 npm test -- test/properties/client/group/groupEngines`. */
const RUNS = Number(process.env['RXCHAT_MODEL_RUNS'] ?? 8);

const index = fc.nat(6);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      device: fc.nat(4),
      by: index,
      isResync: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      by: index,
      removed: fc.oneof(fc.constant([]), fc.array(fc.nat(3), { minLength: 1, maxLength: 2 })),
    }),
  },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('actions' as const),
      actions: fc.oneof(
        { weight: 4, arbitrary: fc.tuple(action) },
        { weight: 1, arbitrary: fc.tuple(action, action) },
      ),
      missedBy: fc.option(index, { nil: undefined, freq: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replay' as const), at: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), by: index }) },
);

const joining = (device: number): Step => ({
  kind: 'actions',
  actions: [{ kind: 'join', device, by: 0, isResync: false }],
  missedBy: undefined,
});

const removal: Step = {
  kind: 'actions',
  actions: [{ kind: 'commit', by: 0, removed: [1] }],
  missedBy: undefined,
};

/** Reaches each case that makes sequences worth comparing, whatever is generated beside it. */
const EXAMPLE: Step[] = [
  { kind: 'actions', actions: [{ kind: 'commit', by: 0, removed: [99] }], missedBy: undefined },
  {
    kind: 'actions',
    actions: [
      { kind: 'commit', by: 0, removed: [] },
      { kind: 'commit', by: 1, removed: [] },
    ],
    missedBy: undefined,
  },
];

describe('the star engine and MLS', () => {
  const suite = nodeSuite({ randomBytes: seededRandom('engines') });

  test(
    'lead to the same members, epochs and decisions in any sequence of joins, commits and removals',
    async () => {
      const star = createStarEngine(suite);
      const mls = await createMlsEngine(suite);
      const seen = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (generated) => {
          const steps = [joining(1), joining(4), ...generated, removal, { kind: 'replay' as const, at: 0 }];
          const expected = await new EngineScenario(mls, suite).run(steps);
          expect(await new EngineScenario(star, suite).run(steps)).toStrictEqual(expected);
          for (const word of JSON.stringify(expected).match(
            /"(kind|failure|result)":"[^"]+"|not possible/g,
          ) ?? [])
            seen.set(word, (seen.get(word) ?? 0) + 1);
        }),
        // To shrink a counterexample takes longer than the test may.
        { numRuns: RUNS, endOnFailure: true, examples: [[EXAMPLE]] },
      );
      for (const word of ['"kind":"accepted"', '"kind":"removed"', '"failure":"wrong epoch"', 'not possible'])
        expect([...seen.keys()]).toContain(word);
    },
    300_000 + RUNS * 2000,
  );
});

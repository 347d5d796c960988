import { describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { chooseSeed } from '../support/seed.js';
import { runInput, campaign, corpusOf, formatFailure, type Target } from './campaign.js';
import { classicTargets } from './targets/classic.js';
import { groupTargets } from './targets/group.js';
import { relayTargets } from './targets/relay.js';
import { shellTargets } from './targets/shell.js';
import { WEB_TARGETS } from './targets/web.js';
import { wireTargets } from './targets/wire.js';

/** Inputs for each target; more with `npm run fuzz`, or `RXCHAT_FUZZ_RUNS=100000 npm test -- test/fuzz`. */
const RUNS = Number(process.env['RXCHAT_FUZZ_RUNS'] ?? 300);

const seed = chooseSeed(1);

const TARGETS: readonly Target[] = [
  ...wireTargets,
  ...classicTargets,
  ...shellTargets,
  ...groupTargets,
  ...relayTargets,
];

describe.each(TARGETS.map((target) => [target.name, target] as const))('%s', (_, target) => {
  test('reads the corpus as it should', () => {
    const failures = corpusOf(target).flatMap(([file, input]) => {
      const outcome = runInput(target, input);
      return typeof outcome === 'string' ? [] : [`${file}: ${formatFailure(target, outcome)}`];
    });
    expect(failures).toStrictEqual([]);
  });

  test(
    'breaks by no input',
    () => {
      const { failure, runs, outcomes } = campaign(target, seed, RUNS);
      if (failure !== undefined) throw new Error(`RXCHAT_SEED=${seed}\n${formatFailure(target, failure)}`);
      expect(runs).toBe(RUNS + corpusOf(target).length);
      // The inputs passed more than the first check.
      expect(outcomes).toBeGreaterThan(1);
    },
    300_000 + 20 * RUNS,
  );
});

test('there is a corpus for each target and for nothing else', () => {
  expect(readdirSync(new URL('corpus/', import.meta.url)).sort()).toStrictEqual(
    [...TARGETS.map(({ name }) => name), ...WEB_TARGETS].sort(),
  );
});

describe('the harness', () => {
  const reading = (read: (text: string) => string): Target => ({
    name: 'parsers',
    dictionary: ['PING'],
    run: (input) => read(input.toString('latin1')),
  });

  test('finds a reader that throws, and makes its input small', () => {
    const { failure } = campaign(
      reading((text) => {
        if (/PING.*0/s.test(text)) throw new RangeError('planted');
        return String(text.length);
      }),
      1,
      2000,
    );
    expect(failure?.reason).toBe('RangeError: planted');
    expect(failure?.input.toString()).toBe('PING0');
  });

  test('finds a reader that takes too much memory', () => {
    const retained: Uint8Array[] = [];
    const { failure } = campaign(
      reading((text) => {
        if (text.includes('PINGPING')) retained.push(new Uint8Array(2 ** 27));
        return text;
      }),
      1,
      20_000,
    );
    expect(failure?.reason).toMatch(/^it took \d{9,} bytes of memory$/);
  });

  test('tries the same for the same seed, and something else for another', () => {
    const tried = (wanted: number) => {
      const texts: string[] = [];
      campaign(
        reading((text) => {
          texts.push(text);
          return '';
        }),
        wanted,
        50,
      );
      return texts;
    };
    expect(tried(1)).toStrictEqual(tried(1));
    expect(tried(1)).not.toStrictEqual(tried(2));
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { mutate } from './mutate.js';
import { random } from './random.js';

/** Something that reads bytes of others. */
export interface Target {
  /** The name of its folder in the corpus. */
  readonly name: string;
  /** Words of its language, that get into inputs. */
  readonly dictionary: readonly string[];
  /**
   * Reads an input and returns the outcome in a few words. The campaign mutates inputs with a new outcome. Throws if the
   * reader threw or returned something that it must not.
   */
  readonly run: (input: Buffer) => string;
}

/** An input that broke something. */
export interface Failure {
  readonly input: Buffer;
  readonly reason: string;
}

export interface Campaign {
  readonly failure: Failure | undefined;
  /** The number of inputs, and of different outcomes. */
  readonly runs: number;
  readonly outcomes: number;
}

/** The most inputs that are pursued at a time, and the largest, in bytes: a change may make it large all the same. */
const POOL_LIMIT = 512;
const POOL_INPUT_LIMIT = 4096;

/** What one input may cost: bytes of memory, and ms of the processor, which a busy machine does not make more. */
const MEMORY_LIMIT_BYTES = 64 * 2 ** 20;
const CPU_LIMIT_MS = 5000;

/** What a target is to read every time, by the names of the files; `.b64` are base64. */
export const corpusOf = ({ name }: Target): readonly (readonly [string, Buffer])[] => {
  const folder = fileURLToPath(new URL(`corpus/${name}/`, import.meta.url));
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const bytes = readFileSync(folder + file);
      return [file, file.endsWith('.b64') ? Buffer.from(bytes.toString(), 'base64') : bytes] as const;
    });
};

const usedMemory = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

/** Returns the outcome of an input, or a `Failure` if it broke something. */
export const runInput = (target: Target, input: Buffer): string | Failure => {
  const [memoryBefore, timeBefore] = [usedMemory(), process.cpuUsage()];
  let outcome: string;
  try {
    outcome = target.run(input);
  } catch (error) {
    return { input, reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
  const taken = usedMemory() - memoryBefore;
  if (taken > MEMORY_LIMIT_BYTES) return { input, reason: `it took ${taken} bytes of memory` };
  const time = process.cpuUsage(timeBefore).user / 1000;
  return time > CPU_LIMIT_MS ? { input, reason: `it took ${time} ms` } : outcome;
};

/** Reads the corpus of a target, and then so many inputs made of it; ends at the first that breaks something. */
export const campaign = (target: Target, seed: number, runs: number): Campaign => {
  const dice = random(seed);
  const words = target.dictionary.map((word) => Buffer.from(word));
  const pool: Buffer[] = [];
  const outcomes = new Set<string>();
  const corpus = corpusOf(target);

  for (let run = 0; run < corpus.length + runs; run += 1) {
    const input = corpus[run]?.[1] ?? mutate(dice.pick(pool), dice, dice.pick(pool), words);
    const outcome = runInput(target, input);
    if (typeof outcome !== 'string')
      return { failure: minimize(target, outcome), runs: run + 1, outcomes: outcomes.size };
    if (run < corpus.length || (!outcomes.has(outcome) && input.length <= POOL_INPUT_LIMIT)) {
      if (pool.length < POOL_LIMIT) pool.push(input);
      else pool[dice.below(POOL_LIMIT)] = input;
    }
    outcomes.add(outcome);
  }
  return { failure: undefined, runs: corpus.length + runs, outcomes: outcomes.size };
};

/** The same failure by as little as leaving parts out of its input can give. */
const minimize = (target: Target, failure: Failure): Failure => {
  let least = failure;
  for (let size = failure.input.length >> 1; size > 0; size >>= 1)
    for (let at = 0, tries = 0; at < least.input.length && tries < 200; tries += 1) {
      const less = Buffer.concat([least.input.subarray(0, at), least.input.subarray(at + size)]);
      const outcome = runInput(target, less);
      if (typeof outcome === 'string') at += size;
      else least = outcome;
    }
  return least;
};

/** Formats a failure: the reason, the input, and the corpus file that keeps it once it is fixed. */
export const formatFailure = ({ name }: Target, { input, reason }: Failure): string =>
  [
    reason,
    `text:   ${JSON.stringify(input.toString('latin1').slice(0, 300))}`,
    `base64: ${input.toString('base64')}`,
    `keep it as test/fuzz/corpus/${name}/<what it is>.b64`,
  ].join('\n');

import type { Random } from './random.js';

/** The largest input, in bytes: a little over a line of the wire. */
export const MAX_INPUT_BYTES = 70_000;

type Mutation = (input: Buffer, random: Random, other: Buffer, words: readonly Buffer[]) => Buffer;

const splice = (input: Buffer, from: number, to: number, ...between: Buffer[]): Buffer =>
  Buffer.concat([input.subarray(0, from), ...between, input.subarray(to)]);

/** A part of the input: where it begins and where it ends. */
const randomRange = (input: Buffer, random: Random): [number, number] => {
  const from = random.below(input.length + 1);
  return [from, from + random.below(input.length - from + 1)];
};

/** Bytes at which parsers decide. */
const BOUNDARY_BYTES = [
  0, 1, 9, 10, 13, 27, 32, 34, 35, 44, 47, 58, 61, 92, 127, 128, 155, 192, 237, 244, 255,
];

const NUMBERS = ['0', '-1', '1e999', '9007199254740993', '999999999999999', '1.5', '01', 'NaN', '4294967296'];

const MUTATIONS: readonly Mutation[] = [
  // A bit, a byte.
  (input, random) => {
    const copy = Buffer.from(input);
    if (copy.length > 0) copy[random.below(copy.length)]! ^= 1 << random.below(8);
    return copy;
  },
  (input, random) => {
    const copy = Buffer.from(input);
    if (copy.length > 0) copy[random.below(copy.length)] = random.pick(BOUNDARY_BYTES);
    return copy;
  },
  (input, random) => {
    const at = random.below(input.length + 1);
    return splice(input, at, at, Buffer.from([random.below(256)]));
  },
  // A part left out, or the end cut off.
  (input, random) => splice(input, ...randomRange(input, random)),
  (input, random) => input.subarray(0, random.below(input.length + 1)),
  // A part again, or very often.
  (input, random) => {
    const [from, to] = randomRange(input, random);
    return splice(input, to, to, input.subarray(from, to));
  },
  (input, random) => {
    const [from, to] = randomRange(input, random);
    const size = Math.max(1, to - from);
    const times = random.below(random.pick([8, 8, 200, MAX_INPUT_BYTES]) / size + 1);
    return splice(input, to, to, ...Array.from({ length: times }, () => input.subarray(from, to)));
  },
  // A part of another input.
  (input, random, other) =>
    splice(input, ...randomRange(input, random), other.subarray(...randomRange(other, random))),
  // A word of the language, put in or in the place of something.
  (input, random, _, words) => {
    const [from, to] = randomRange(input, random);
    return splice(
      input,
      from,
      random.pick([from, to]),
      words.length > 0 ? random.pick(words) : Buffer.from('{'),
    );
  },
  // A number in the place of another.
  (input, random) => {
    const numbers = Array.from(input.toString('latin1').matchAll(/\d+/g));
    if (numbers.length === 0) return input;
    const { index, 0: digits } = random.pick(numbers);
    return splice(input, index, index + digits.length, Buffer.from(random.pick(NUMBERS)));
  },
];

/** An input made of another one by a few changes, each at a place of its own; `other` and `splitWords` may get into it. */
export const mutate = (input: Buffer, random: Random, other: Buffer, words: readonly Buffer[]): Buffer => {
  let mutant = input;
  for (let left = 1 + random.below(6); left > 0; left -= 1)
    mutant = random.pick(MUTATIONS)(mutant, random, other, words).subarray(0, MAX_INPUT_BYTES);
  return mutant;
};

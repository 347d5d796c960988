import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildGenerator } from '../../../../bench/measure/build.mjs';
import { type LineFault, startFaultyRelay } from './faultyRelay.js';

const canBuild = process.platform === 'linux' && spawnSync('cc', ['--version']).error === undefined;
const testWithCompiler = canBuild ? test : test.skip;
if (!canBuild)
  console.warn('the load generator of the bench was not tested: it needs Linux and a C compiler');

let directory = '';
let generator = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rxchat-verifier-'));
  if (canBuild) generator = buildGenerator(directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Verdict {
  readonly ok: boolean;
  readonly fault: string | null;
  readonly totalOrder: boolean;
  readonly deliveries: number;
}

const verdictOn = async (fault: LineFault): Promise<Verdict> => {
  const relay = await startFaultyRelay(fault);
  const options = { port: relay.port, subscribers: 5, publishers: 3, window: 30, warmup: 0, seconds: 0.2 };
  const flags = Object.entries({ protocol: 'lines', settle: 0.05, patience: 3, ...options });
  try {
    const { stdout } = await promisify(execFile)(
      generator,
      flags.flatMap(([name, value]) => [`--${name}`, String(value)]),
    );
    return JSON.parse(stdout) as Verdict;
  } finally {
    relay.close();
  }
};

/** All lines are compared with those of the first member, so a fault there is another case. */
const FIRST = 0;
const NEXT = 3;
const AT = 50;

const whole: LineFault = (line) => [line];
const at =
  (victim: number | undefined, fault: (line: string) => string[]): LineFault =>
  (line, n, member) =>
    n === AT && (victim === undefined || member === victim) ? fault(line) : [line];
const changed = (line: string, place: number) =>
  `${line.slice(0, place)}${line[place] === 'A' ? 'B' : 'A'}${line.slice(place + 1)}`;

/** Swaps the line with the next one that `fitsDraft`, for one member. */
const swapped = (victim: number, fits: (pending: string, line: string) => boolean): LineFault => {
  let paused: string | undefined;
  let done = false;
  return (line, n, member) => {
    if (member !== victim || n < AT || done) return [line];
    if (paused === undefined) {
      paused = line;
      return [];
    }
    const before = paused;
    paused = line;
    if (!fits(before, line)) return [before];
    done = true;
    return [line, before];
  };
};
const publisherOf = (line: string) => line.slice(5, 9);

testWithCompiler('a relay that hands on everything is right', async () => {
  const verdict = await verdictOn(whole);
  expect(verdict).toMatchObject({ ok: true, fault: null, totalOrder: true });
  expect(verdict.deliveries).toBeGreaterThan(0);
});

testWithCompiler.each<[string, LineFault, RegExp]>([
  ['a line is dropped', at(NEXT, () => []), /missed a line/],
  ['a line is dropped for the first', at(FIRST, () => []), /missed a line/],
  ['a line is dropped for all', at(undefined, () => []), /missed a line/],
  ['a line comes twice', at(NEXT, (line) => [line, line]), /twice/],
  ['a line comes twice to the first', at(FIRST, (line) => [line, line]), /twice/],
  ['a line comes twice to all', at(undefined, (line) => [line, line]), /twice/],
  ['a character is another', at(NEXT, (line) => [changed(line, 100)]), /nobody said/],
  ['a character is another, for all', at(undefined, (line) => [changed(line, 100)]), /nobody said/],
  ['the last character is another', at(NEXT, (line) => [changed(line, line.length - 1)]), /nobody said/],
  ['the publisher is another', at(NEXT, (line) => [changed(line, 8)]), /nobody said/],
  ['a line is cut short', at(NEXT, (line) => [line.slice(0, -4)]), /nobody said/],
  ['a line is made up', at(NEXT, (line) => [line, `g${line.slice(1).toLowerCase()}`]), /nobody said/],
  [
    'two lines of a publisher are swapped',
    swapped(NEXT, (pending, line) => publisherOf(pending) === publisherOf(line)),
    /missed a line|twice, or late/,
  ],
])('%s: that is noticed', async (_, fault, sent) => {
  const verdict = await verdictOn(fault);
  expect(verdict.ok).toBe(false);
  expect(verdict.fault).toMatch(sent);
});

testWithCompiler('two publishers in another order for one member: right, without a total order', async () => {
  const verdict = await verdictOn(
    swapped(NEXT, (pending, line) => publisherOf(pending) !== publisherOf(line)),
  );
  expect(verdict).toMatchObject({ ok: true, totalOrder: false });
});

testWithCompiler('lines that are held back for ever are not there', async () => {
  const verdict = await verdictOn((line, n, member) => (member === NEXT && n >= AT ? [] : [line]));
  expect(verdict.ok).toBe(false);
});

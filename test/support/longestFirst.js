import { relative } from 'node:path';
import TestSequencer from '@jest/test-sequencer';

/** What waits for other processes most, first: at the end one of them would run for minutes beside nothing. */
const FIRST = [/^test\/e2e\/faults\.test/, /^test\/(e2e|browser)\//];

const rank = ({ path, context }) => {
  const place = FIRST.findIndex((one) => one.test(relative(context.config.rootDir, path)));
  return place < 0 ? FIRST.length : place;
};

/** The order of jest (by how long each took last, else by size) within the kinds. */
export default class LongestFirst extends TestSequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((a, b) => rank(a) - rank(b));
  }
}

import { relative } from 'node:path';
import TestSequencer from '@jest/test-sequencer';

/**
 * How many seconds the longest suites take on two cores. They wait for other processes half of that time, and other
 * suites compute meanwhile. At the end of the run, a long suite would keep one worker busy and leave the others idle.
 */
const SECONDS = {
  'test/e2e/faults.links.test.ts': 100,
  'test/e2e/packages.reproducible.test.ts': 90,
  'test/e2e/packages.docker.test.ts': 90,
  'test/e2e/package.test.ts': 83,
  'test/e2e/terminal.test.ts': 53,
  'test/browser/twoTabs.test.ts': 51,
  'test/e2e/examples.test.ts': 49,
  'test/e2e/slowReaders.test.ts': 48,
  'test/e2e/faults.storage.test.ts': 46,
  'test/e2e/packages.deb.test.ts': 45,
  'test/e2e/packages.archive.test.ts': 40,
  'test/e2e/dataDirs.test.ts': 32,
  'test/e2e/keyboard.test.ts': 31,
  'test/e2e/faults.spool.test.ts': 30,
  'test/browser/usability.test.ts': 29,
  'test/e2e/pipes.million.test.ts': 20,
  'test/e2e/faults.kills.test.ts': 20,
};

/** Anything else that runs other processes, and then what remains within one. */
const OTHER_PROCESSES = /^test\/(e2e|browser)\//;

const seconds = ({ path, context }) => {
  const file = relative(context.config.rootDir, path);
  return SECONDS[file] ?? (OTHER_PROCESSES.test(file) ? 10 : 1);
};

/** Sorts suites by known durations. Equal ones keep the order of jest: by the last duration, else by size. */
export default class LongestFirst extends TestSequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((a, b) => seconds(b) - seconds(a));
  }
}

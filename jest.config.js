import { availableParallelism } from 'node:os';
import { createDefaultEsmPreset } from 'ts-jest';

/** With RXCHAT_RXJS, the tests run with the oldest supported RxJS: `npm run test:oldest`. */
const rxjs = process.env.RXCHAT_RXJS;

export default {
  ...createDefaultEsmPreset({ tsconfig: 'tsconfig.json' }),
  testEnvironment: 'node',
  // Two at once even on two cores: with three, tests that give a command a second or two run out of time.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // Jest never releases the modules of earlier test files: after two hundred files a worker took 3 GB.
  workerIdleMemoryLimit: '1GB',
  testSequencer: '<rootDir>/test/support/longestFirst.js',
  reporters: ['default', '<rootDir>/test/support/closingLine.js'],
  // Properties try the same input in each run, so that they fail only after a change.
  setupFiles: ['<rootDir>/test/support/fixedSeed.ts'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    ...(rxjs !== undefined && { '^rxjs$': rxjs, '^rxjs/testing$': `${rxjs}/testing` }),
  },
  coverageProvider: 'v8',
  // For a test that hangs. A machine on which others work may be ten times as slow as usual.
  testTimeout: 300_000,
};

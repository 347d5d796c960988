import { availableParallelism } from 'node:os';
import { createDefaultEsmPreset } from 'ts-jest';

/** The tests run with the oldest RxJS that a user may have, where RXCHAT_RXJS says so: `npm run test:oldest`. */
const rxjs = process.env.RXCHAT_RXJS;

export default {
  ...createDefaultEsmPreset({ tsconfig: 'tsconfig.json' }),
  testEnvironment: 'node',
  // Two at once even on two cores: the longest suites wait for other processes most of their time.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // Modules of earlier test files are never let go of: after two hundred of them a worker held 3 GB.
  workerIdleMemoryLimit: '1GB',
  testSequencer: '<rootDir>/test/support/longestFirst.js',
  reporters: ['default', '<rootDir>/test/support/closingLine.js'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    ...(rxjs !== undefined && { '^rxjs$': rxjs, '^rxjs/testing$': `${rxjs}/testing` }),
  },
  coverageProvider: 'v8',
  testTimeout: 60_000,
};

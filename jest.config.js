import { createDefaultEsmPreset } from 'ts-jest';

/** The tests run with the oldest RxJS that a user may have, where RXCHAT_RXJS says so: `npm run test:oldest`. */
const rxjs = process.env.RXCHAT_RXJS;

export default {
  ...createDefaultEsmPreset({ tsconfig: 'tsconfig.json' }),
  testEnvironment: 'node',
  reporters: ['default', '<rootDir>/test/support/closingLine.js'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    ...(rxjs !== undefined && { '^rxjs$': rxjs, '^rxjs/testing$': `${rxjs}/testing` }),
  },
  coverageProvider: 'v8',
  testTimeout: 60_000,
};

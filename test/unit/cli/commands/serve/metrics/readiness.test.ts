import { expect, test } from '@jest/globals';
import {
  readinessProblem,
  type ReadinessState,
} from '../../../../../../src/cli/commands/serve/metrics/readiness.js';

const READY: ReadinessState = {
  isListening: true,
  isStopping: false,
  isDraining: false,
  isStoreConnected: true,
  failedAtMs: undefined,
};

test.each<[string, Partial<ReadinessState>, string | undefined]>([
  ['listens', {}, undefined],
  ['does not listen yet', { isListening: false }, 'the relay is starting'],
  ['is stopping', { isStopping: true, failedAtMs: 99_999 }, 'the relay is stopping'],
  ['is draining', { isDraining: true, isStoreConnected: false }, 'the relay is draining'],
  ['lost its store', { isStoreConnected: false }, 'the relay has lost the connection to the store'],
  ['failed to store something just now', { failedAtMs: 40_001 }, 'the store failed to store a message'],
  ['failed to store something a minute ago', { failedAtMs: 40_000 }, undefined],
])('the readiness of a relay that %s', (_, state, problem) => {
  expect(readinessProblem({ ...READY, ...state }, 100_000)).toBe(problem);
});

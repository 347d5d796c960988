export * from '../../src/testing/fakeConnection.js';

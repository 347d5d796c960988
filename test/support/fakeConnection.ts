export * from '../../src/testing/connections.js';

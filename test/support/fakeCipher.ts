export * from '../../src/testing/fakeCipher.js';

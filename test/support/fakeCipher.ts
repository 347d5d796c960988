export * from '../../src/testing/fakePlatform.js';

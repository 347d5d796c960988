export * from '../../src/testing/virtualLink.js';

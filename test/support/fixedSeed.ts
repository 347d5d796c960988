import fc from 'fast-check';
import { chooseSeed } from './seed.js';

// fast-check prints the seed of a property that fails, so a random one is left to it.
if (process.env['RXCHAT_SEED'] !== 'random') fc.configureGlobal({ seed: chooseSeed(1) });

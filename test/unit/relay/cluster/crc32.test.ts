import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { crc32 } from '../../../../streams/relay/cluster/crc32.js';
import { chooseSeed } from '../../../support/seed.js';

test('crc32 equals that of zlib, for every length and alignment', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 8 }), (bytes, from) => {
      const part = bytes.subarray(from);
      expect(crc32(part)).toBe(zlibCrc32(part));
    }),
    { numRuns: 500, seed: chooseSeed(19) },
  );
});

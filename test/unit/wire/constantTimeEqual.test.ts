import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { constantTimeEqual, constantTimeEqualBytes } from '../../../streams/wire/constantTimeEqual.js';

test.each([
  ['', '', true],
  ['abc', 'abc', true],
  ['abc', 'abd', false],
  ['abc', 'ab', false],
  ['', 'a', false],
])('constantTimeEqual(%j, %j) is %j', (one, other, isEqual) => {
  expect(constantTimeEqual(one, other)).toBe(isEqual);
});

test('constantTimeEqualBytes compares all bytes', () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(bytes, bytes, (one, other) => {
      expect(constantTimeEqualBytes(one, other)).toBe(Buffer.from(one).equals(Buffer.from(other)));
      expect(constantTimeEqualBytes(one, Uint8Array.from(one))).toBe(true);
    }),
  );
});

import { describe, expect, test } from '@jest/globals';
import { emitKeypressEvents } from 'node:readline';
import { PassThrough } from 'node:stream';
import { type Input, inputs, type Keypress } from '../../../src/terminal/editor/keys.js';

/** What comes of bytes, as the terminal of this Node reads them. */
const read = (...chunks: readonly string[]): readonly Input[] => {
  const stream = new PassThrough();
  const inputOf = inputs();
  const read: Input[] = [];
  emitKeypressEvents(stream);
  stream.on('keypress', (text: string | undefined, key: Keypress) => {
    const input = inputOf(text, key);
    if (input !== undefined) read.push(input);
  });
  for (const chunk of chunks) stream.emit('data', Buffer.from(chunk));
  return read;
};

const names = (...chunks: readonly string[]): readonly string[] =>
  read(...chunks).map((input) => (input.type === 'key' ? input.name : `'${input.text}'`));

describe('a key', () => {
  test.each([
    ['a', "'a'"],
    ['A', "'A'"],
    ['`', "'`'"],
    ['é', "'é'"],
    ['👍', "'👍'"],
    [' ', "' '"],
    ['\x01', 'C-a'],
    ['\x7f', 'Backspace'],
    ['\b', 'Backspace'],
    ['\r', 'Enter'],
    ['\n', 'Enter'],
    ['\t', 'Tab'],
    ['\x1f', 'C-_'],
    ['\x1b\r', 'M-Enter'],
    ['\x1b[13;2u', 'M-Enter'],
    ['\x1bb', 'M-b'],
    ['\x1b\x7f', 'M-Backspace'],
    ['\x1b<', 'M-<'],
    ['\x1b[A', 'Up'],
    ['\x1bOA', 'Up'],
    ['\x1b[1;5D', 'C-Left'],
    ['\x1b[1;3D', 'M-Left'],
    ['\x1b[3~', 'Delete'],
    ['\x1b[H', 'Home'],
    ['\x1b[4~', 'End'],
    ['\x1b[Z', 'S-Tab'],
  ])('%j is %s', (bytes, name) => {
    expect(names(bytes)).toStrictEqual([name]);
  });

  test.each(['\x1b[I', '\x1b[31m', '\x1bé', '\x1b[99~'])('%j is none, and types nothing', (bytes) => {
    expect(names(bytes)).toStrictEqual([]);
  });

  test('several that come together, or in pieces, are the same', () => {
    expect(names('ab\x1b[Dc')).toStrictEqual(["'a'", "'b'", 'Left', "'c'"]);
    expect(names('\x1b[', 'D')).toStrictEqual(['Left']);
  });
});

describe('a paste', () => {
  const pasted = (text: string) => [{ type: 'paste', text, cut: false }];

  test.each(['one', 'one\r\ntwo\r', '\t\x03\x04\x1b[31mred\x1b[0m', '\x1b[20', 'é👍🏽', '', '\x1b[200~'])(
    '%j is one, whatever is in it',
    (text) => {
      expect(read(`\x1b[200~${text}\x1b[201~`)).toStrictEqual(pasted(text));
    },
  );

  test('that comes in pieces is one', () => {
    expect(read('\x1b[20', '0~on', 'e\r', '\x1b', '[201', '~')).toStrictEqual(pasted('one\r'));
  });

  test('ends, and what follows is typed', () => {
    expect(read('a\x1b[200~b\x1b[201~c')).toStrictEqual([
      { type: 'text', text: 'a' },
      ...pasted('b'),
      { type: 'text', text: 'c' },
    ]);
  });

  test('over 1 MiB is not taken, and its end is found all the same', () => {
    const [input, ...others] = read('\x1b[200~', 'x'.repeat(1_100_000), '\x1b[201~', 'c');
    expect(input).toMatchObject({ type: 'paste', cut: true });
    expect(others).toStrictEqual([{ type: 'text', text: 'c' }]);
  });
});

import { describe, expect, test } from '@jest/globals';
import { VirtualTimeScheduler } from 'rxjs';
import { type CursorReport, type EditorInput, keyReader } from '../../../../src/terminal/editor/keyReader.js';

type Read = EditorInput | CursorReport;

/** Returns the inputs of consecutive reads and of the timeout after them. */
const read = (...chunks: readonly (string | Uint8Array)[]): readonly Read[] => {
  const scheduler = new VirtualTimeScheduler();
  const inputs: Read[] = [];
  const reader = keyReader((input) => inputs.push(input), scheduler);
  for (const chunk of chunks) reader.read(Buffer.from(chunk));
  scheduler.flush();
  return inputs.filter(({ type }) => type !== 'pasting');
};

const nameOf = (input: Read): string => {
  switch (input.type) {
    case 'key':
      return input.name;
    case 'text':
    case 'paste':
      return `'${input.text}'`;
    default:
      return input.type;
  }
};

const names = (...chunks: readonly (string | Uint8Array)[]): readonly string[] => read(...chunks).map(nameOf);

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

  test.each([
    ['\x1b[27;2;13~', 'M-Enter'],
    ['\x1b[27;5;99~', 'C-c'],
    ['\x1b[27;5;67~', 'C-c'],
    ['\x1b[27;1;27~', 'Escape'],
    ['\x1b[27;2;32~', "' '"],
    ['\x1b[27;2;65~', "'A'"],
    ['\x1b[27;3;98~', 'M-b'],
    ['\x1b[13u', 'Enter'],
    ['\x1b[13;129u', 'Enter'],
    ['\x1b[13;1:1u', 'Enter'],
    ['\x1b[57414u', 'Enter'],
    ['\x1b[27u', 'Escape'],
    ['\x1b[99;5u', 'C-c'],
    ['\x1b[99;5:1u', 'C-c'],
    ['\x1b[99;69u', 'C-c'],
    ['\x1b[127u', 'Backspace'],
    ['\x1b[127;2u', 'Backspace'],
    ['\x1b[9;2u', 'S-Tab'],
    ['\x1b[97;2u', "'A'"],
    ['\x1b[49:33;2u', "'!'"],
    ['\x1b[97;;228u', "'ä'"],
    ['\x1b[57401u', "'2'"],
    ['\x1b[1;65D', 'Left'],
    ['\x1b[7~', 'Home'],
    ['\x1b[8^', 'C-End'],
    ['\x1bOd', 'C-Left'],
    ['\x1b\x1b[D', 'M-Left'],
    ['\x1bB', 'M-b'],
  ])('%j is %s', (bytes, name) => {
    expect(names(bytes)).toStrictEqual([name]);
    expect(names(...Array.from(Buffer.from(bytes), (byte) => Uint8Array.of(byte)))).toStrictEqual([name]);
  });

  const NONE = [
    ['a key that was let go', '\x1b[99;5:3u'],
    ['Shift alone', '\x1b[57441;2u'],
    ['Shift and Super with a key', '\x1b[1;10D'],
    ['Ctrl-Enter', '\x1b[13;5u'],
    ['F1 and F5', '\x1bOP\x1b[15~'],
    ['F5 with modifiers', '\x1b[15;2~'],
    ['F1 of the Linux console', '\x1b[[A'],
    ['Insert, Page Up', '\x1b[2~\x1b[5~'],
    ['the middle of the keypad', '\x1b[E'],
    ['focus', '\x1b[I\x1b[O'],
    ['a mouse by SGR', '\x1b[<0;10;12M\x1b[<0;10;12m'],
    ['a mouse by urxvt', '\x1b[32;10;12M'],
    ['a mouse by X10', '\x1b[M !"'],
    ['what kind of terminal it is', '\x1b[?62;22c\x1b[>41;330;0c\x1b[=0c'],
    ['a state', '\x1b[0n\x1b[?997;1n'],
    ['a mode', '\x1b[?2026;2$y\x1b[4;1$y'],
    ['a size', '\x1b[48;24;80;480;800t\x1b[8;24;80t'],
    ['a colour, to BEL', '\x1b]11;rgb:1e1e/1e1e/2e2e\x07'],
    ['a colour, to ST', '\x1b]10;rgb:ffff/ffff/ffff\x1b\\'],
    ['a colour, to ST in UTF-8', '\x1b]10;rgb:ffff/ffff/ffff\u009c'],
    ['a colour, all in UTF-8', '\u009d10;rgb:ffff/ffff/ffff\u009c'],
    ['the clipboard', '\x1b]52;c;aGVsbG8=\x07'],
    ['a name', '\x1bP>|tmux 3.3a\x1b\\'],
    ['a capability', '\x1bP1+r524742=382f382f38\x1b\\'],
    ['a message of a program', '\x1b_Gi=1;OK\x1b\\'],
    ['a private message, and a string', '\x1b^x\x1b\\\x1bXy\x1b\\'],
    ['the flags of a keyboard', '\x1b[?1u'],
    ['colours', '\x1b[31m'],
    ['a letter with Alt', '\x1bé'],
    ['a key that there is not', '\x1b[99~'],
    ['an end without a paste', '\x1b[201~'],
    ['a sequence in 8 bits', '\u009b5~'],
  ] as const;

  test.each(NONE)('%s is no key, and types nothing', (_, bytes) => {
    expect(names(`ab${bytes}Z`)).toStrictEqual(["'a'", "'b'", "'Z'"]);
    expect(names('a', ...Array.from(Buffer.from(bytes), (byte) => Uint8Array.of(byte)), 'Z')).toStrictEqual([
      "'a'",
      "'Z'",
    ]);
  });

  test('a mouse by X10 beyond the 95th column', () => {
    expect(names(Buffer.from('a\x1b[M \xc5\xffZ', 'latin1'))).toStrictEqual(["'a'", "'Z'"]);
  });

  test('the place of the cursor is an answer', () => {
    expect(read('\x1b[24;80R')).toStrictEqual([{ type: 'cursor', column: 79 }]);
  });

  test('a sequence that is broken off types nothing, and the key that broke it counts', () => {
    expect(names('\x1b[12\x03a')).toStrictEqual(['C-c', "'a'"]);
    expect(names('\x1b]11;rgb\x03a')).toStrictEqual(['C-c', "'a'"]);
    expect(names('\x1b]11;rgb\x1b[Da')).toStrictEqual(['Left', "'a'"]);
  });

  test('one whose end does not come is dropped after a while; an escape alone is the key', () => {
    const scheduler = new VirtualTimeScheduler();
    const seen: string[] = [];
    const reader = keyReader((input) => seen.push(nameOf(input)), scheduler);
    const afterwards = () => {
      scheduler.flush();
    };
    for (const bytes of ['\x1b', '\x1b[', '\x1b]11;', '\x1bO', '\x1b\x1b']) {
      reader.read(Buffer.from(bytes));
      afterwards();
      seen.push('.');
    }
    reader.read(Buffer.from('a'));
    expect(seen).toStrictEqual(['Escape', '.', '.', '.', '.', 'Escape', 'Escape', '.', "'a'"]);
  });

  test('several that come together, or in pieces, are the same', () => {
    expect(names('ab\x1b[Dc')).toStrictEqual(["'a'", "'b'", 'Left', "'c'"]);
    expect(names('\x1b[', 'D')).toStrictEqual(['Left']);
    expect(names(...Array.from(Buffer.from('é👍'), (byte) => Uint8Array.of(byte)))).toStrictEqual([
      "'é'",
      "'👍'",
    ]);
  });

  test('what is no UTF-8 is a replacement', () => {
    expect(names(Buffer.from('gr\xfcn\r', 'latin1'))).toStrictEqual([
      "'g'",
      "'r'",
      "'\ufffd'",
      "'n'",
      'Enter',
    ]);
  });
});

describe('several lines in one read', () => {
  test('are a paste, as far as it comes at once', () => {
    expect(read('l1\rl2\rl3\rl4\r')).toStrictEqual([{ type: 'paste', text: 'l1\nl2\nl3\nl4\n', cut: false }]);
    expect(names('l1\rl', '2\rl3\r')).toStrictEqual(["'l1\nl2\nl3\n'"]);
    expect(names('a\r\nb')).toStrictEqual(["'a\nb'"]);
    expect(names('a\n\tb\n')).toStrictEqual(["'a\n\tb\n'"]);
  });

  test('are not assumed if Enter is the last byte, or nothing is between', () => {
    expect(names('hi\r')).toStrictEqual(["'h'", "'i'", 'Enter']);
    expect(names('hi\r\n')).toStrictEqual(["'h'", "'i'", 'Enter']);
    expect(names('\r\r')).toStrictEqual(['Enter', 'Enter']);
    expect(names('\rhi')).toStrictEqual(['Enter', "'h'", "'i'"]);
    expect(names('\x1b[A\r\x1b[A\r')).toStrictEqual(['Up', 'Enter', 'Up', 'Enter']);
  });

  test('end before a key', () => {
    expect(names('a\rb\x15c')).toStrictEqual(["'a\nb'", 'C-u', "'c'"]);
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

  /** Records inputs with their times: `1500 ''lost end''`. */
  const timed = () => {
    const scheduler = new VirtualTimeScheduler();
    const seen: string[] = [];
    const reader = keyReader((input) => {
      seen.push(
        `${scheduler.now()} ${input.type === 'pasting' && input.long ? 'long' : nameOf(input)}${'unfinished' in input ? ' unfinished' : ''}`,
      );
    }, scheduler);
    return {
      seen,
      read: (text: string) => {
        reader.read(Buffer.from(text));
      },
      at: (time: number, run: () => void) => {
        scheduler.schedule(run, time);
      },
      flush: () => {
        scheduler.flush();
      },
    };
  };

  test('whose end does not come is over when nothing more came for a while', () => {
    const { seen, read: take, at, flush } = timed();
    take('\x1b[200~lost');
    at(1000, () => {
      take(' end');
    });
    at(3000, () => {
      take('a');
    });
    flush();
    expect(seen).toStrictEqual(['0 pasting', "2500 'lost end' unfinished", "3000 'a'"]);
  });

  test('is over at Ctrl-C, and no key is lost afterwards', () => {
    const { seen, read: take } = timed();
    for (const bytes of ['\x1b[200~lost end', '\x03', '\x04', 'a']) take(bytes);
    expect(seen).toStrictEqual(['0 pasting', "0 'lost end' unfinished", '0 C-d', "0 'a'"]);
  });

  test('that was over too early: the rest of it is a paste too', () => {
    const { seen, read: take, at, flush } = timed();
    take('\x1b[200~one');
    at(2000, () => {
      take('two 1 2 3');
    });
    at(3000, () => {
      take('four\x1b[201~');
    });
    at(4000, () => {
      take('ab');
    });
    flush();
    expect(seen).toStrictEqual([
      '0 pasting',
      "1500 'one' unfinished",
      "2025 'two 1 2 3'",
      "3000 'four'",
      "4000 'a'",
      "4000 'b'",
    ]);
  });

  test('says once that it is longer than is taken', () => {
    const { seen, read: take } = timed();
    for (const bytes of ['\x1b[200~', 'x'.repeat(1_100_000), 'x', '\x1b[201~']) take(bytes);
    expect(seen).toStrictEqual(['0 pasting', '0 long', "0 ''"]);
  });

  test('many in one read are as many', () => {
    const many = '\x1b[200~x\x1b[201~'.repeat(20_000);
    expect(read(many)).toHaveLength(20_000);
  });
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { visible } from '../../src/terminal/visible.js';

describe('visible', () => {
  const hostile: [string, string, string][] = [
    ['a colour', 'a\x1b[31mred\x1b[0m', 'a␛[31mred␛[0m'],
    ['a cursor that moves', '\x1b[2J\x1b[H', '␛[2J␛[H'],
    ['the title of a window', '\x1b]0;root@host\x07', '␛]0;root@host␇'],
    ['a link that is another, not ended', '\x1b]8;;https://evil.example', '␛]8;;https://evil.example'],
    ['the clipboard, not ended', '\x1b]52;c;cm0gLXJm', '␛]52;c;cm0gLXJm'],
    ['a sequence within a sequence', '\x1b[3\x1b[1m1m', '␛[3␛[1m1m'],
    ['a lone escape at the end', 'a\x1b', 'a␛'],
    ['a device control string', '\x1bP+q544e\x1b\\', '␛P+q544e␛\\'],
    ['a return that overwrites', 'alice: hi\rbob: yes', 'alice: hi␍bob: yes'],
    ['a backspace that overwrites', 'yes\b\b\bno', 'yes␈␈␈no'],
    ['a bell', '\x07', '␇'],
    ['a line break that forges a line', 'hi\n12:00 bob: yes', 'hi␊12:00 bob: yes'],
    ['a tab', 'a\tb', 'a␉b'],
    ['a null', 'a\0b', 'a␀b'],
    ['a delete', 'a\x7fb', 'a␡b'],
    ['a control sequence of one character (C1)', '\x9b31mred', '\\u{9b}31mred'],
    ['an operating system command of one character', '\x9d0;x\x9c', '\\u{9d}0;x\\u{9c}'],
    ['a next line', 'a\x85b', 'a\\u{85}b'],
    ['a bidi override', 'user\u202egnp.exe', 'user\\u{202e}gnp.exe'],
    ['a bidi isolate', '\u2066x\u2069', '\\u{2066}x\\u{2069}'],
    ['a bidi mark', 'a\u200fb\u061cc', 'a\\u{200f}b\\u{61c}c'],
    ['a zero-width space', 'al\u200bice', 'al\\u{200b}ice'],
    ['a zero-width joiner between letters', 'al\u200dice', 'al\\u{200d}ice'],
    ['a byte order mark', '\ufeffalice', '\\u{feff}alice'],
    ['a soft hyphen', 'al\u00adice', 'al\\u{ad}ice'],
    ['a word joiner', 'al\u2060ice', 'al\\u{2060}ice'],
    ['tags, which hide text', `a\u{e0061}\u{e0062}`, 'a\\u{e0061}\\u{e0062}'],
    ['a line separator', 'a\u2028b\u2029c', 'a\\u{2028}b\\u{2029}c'],
    ['letters that draw nothing', '\u115f\u1160\u3164\uffa0', '\\u{115f}\\u{1160}\\u{3164}\\u{ffa0}'],
    ['private use', '\ue000\u{f0000}', '\\u{e000}\\u{f0000}'],
    ['half a character', 'a\ud83d', 'a\\u{d83d}'],
    ['an annotation', '\ufff9a\ufffab\ufffb', '\\u{fff9}a\\u{fffa}b\\u{fffb}'],
  ];
  test.each(hostile)('shows what was to be hidden: %s', (_case, text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  const honest: [string, string][] = [
    ['text of Europe', 'Grüße, čeština, ελληνικά, русский'],
    ['Devanagari with its marks', 'नमस्ते दुनिया, क्षत्रिय'],
    ['Arabic and Hebrew', 'مرحبا بالعالم, שלום'],
    ['Thai and Vietnamese', 'สวัสดีชาวโลก, Tiếng Việt'],
    ['a letter of many parts', 'e\u0301\u0323\u0308'],
    ['Chinese, Japanese, Korean', '你好, こんにちは, 안녕하세요'],
    ['an emoji', '🙂 👍🏽 ❤️ 1️⃣ 🇩🇪'],
    ['a family of joiners', '👨‍👩‍👧‍👦'],
    ['a joiner after a skin tone', '👩🏽‍🚀'],
    ['a joiner after a variation', '❤️‍🔥 🏳️‍🌈'],
    ['a joiner before a sign', '🏃‍♀️ 🏴‍☠️'],
    ['no text', ''],
  ];
  test.each(honest)('leaves alone: %s', (_case, text) => {
    expect(visible(text)).toBe(text);
  });

  test('shows a joiner that does not stand between two pictographs', () => {
    expect(visible('👩\u200d')).toBe('👩\\u{200d}');
    expect(visible('\u200d👩')).toBe('\\u{200d}👩');
    expect(visible('👩\u200da')).toBe('👩\\u{200d}a');
    expect(visible('a\u200d👩')).toBe('a\\u{200d}👩');
    expect(visible('👩\u200d\u200d👩')).toBe('👩\\u{200d}\\u{200d}👩');
    expect(visible('👩👩\u200d \u200d👩')).toBe('👩👩\\u{200d} \\u{200d}👩');
  });

  test('cuts a tower of combining marks, and only that', () => {
    const tower = `a${'\u0301'.repeat(10_000)}b`;
    expect(visible(tower)).toBe(`a${'\u0301'.repeat(8)}b`);
    expect(visible(`x${tower}${'\u0489'.repeat(9)}y`)).toBe(`xa${'\u0301'.repeat(8)}b${'\u0489'.repeat(8)}y`);
    // Whether a joiner stays is judged by its neighbours, wherever a tower that was cut has moved them.
    expect(visible(`${tower}👩\u200d👩 c\u200dd`)).toBe(`a${'\u0301'.repeat(8)}b👩\u200d👩 c\\u{200d}d`);
  });

  const dangerous = fc.constantFrom(
    ...[
      '\x1b',
      '\r',
      '\n',
      '\u200d',
      '\u202e',
      '\u{e0041}',
      '\ud83d',
      '\u0301',
      '\ufe0f',
      '👩',
      '🏽',
      '♀',
      'a',
      '\x9b',
    ],
  );
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(dangerous, { maxLength: 40 }).map((all) => all.join('')),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((all) => String.fromCharCode(...all)),
  );

  test('lets through nothing unsafe, whatever it is given', () => {
    // Said another way than in the code: joiners that may stay are taken out first, then nothing may be left.
    const joined =
      /(\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?)\u200d(?=\p{Extended_Pictographic})/gu;
    fc.assert(
      fc.property(anything, (text) => {
        const rest = visible(text).replace(joined, '$1');
        expect(rest).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/u);
        expect(rest).not.toMatch(/\p{M}{9}/u);
      }),
      { numRuns: 1000 },
    );
  });

  test('done twice is as done once', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(visible(visible(text))).toBe(visible(text));
      }),
      { numRuns: 1000 },
    );
  });
});

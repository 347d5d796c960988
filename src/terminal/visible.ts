/**
 * Controls, formats (bidi overrides, zero-width), surrogates, private use, and letters that draw nothing; but not a
 * joiner between two pictographs.
 */
const UNSAFE =
  /(?!(?<=\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0f]?)\u200d(?=\p{Extended_Pictographic}))[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029\u115f\u1160\u3164\uffa0]/gu;

/** More combining marks on one base than any script needs. */
const STACKED_MARKS = /(\p{M}{8})\p{M}+/gu;

/**
 * Text of other people as it may reach a terminal: whatever could move the cursor, change colours, reverse or hide
 * text is replaced by something that can be seen (`\x1b` by `␛`), and stacks of combining marks are cut. A zero-width
 * joiner stays between pictographs, where it makes one emoji of two.
 */
export const visible = (text: string): string =>
  text.replace(STACKED_MARKS, '$1').replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? '\u2421' : `\\u{${code.toString(16)}}`;
  });

/** JSON that may reach a terminal: what `visible` replaces becomes an escape, so that it reads back exactly. */
export const visibleJson = (value: unknown): string =>
  JSON.stringify(value).replace(UNSAFE, (character) =>
    Array.from({ length: character.length }, (_, at) => escapeOf(character.charCodeAt(at))).join(''),
  );

const escapeOf = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;

/**
 * Text to bytes and back.
 *
 * `TextEncoder` and `TextDecoder` exist on every platform this runs on, but in no `lib` that is free of the DOM;
 * the two shapes below are all that the core uses of them.
 */
interface Platform {
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
  readonly TextDecoder: new (
    label: string,
    options: { fatal: boolean; ignoreBOM: boolean },
  ) => { decode(bytes: Uint8Array): string };
}

const { TextEncoder, TextDecoder } = globalThis as unknown as Platform;
const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/** The UTF-8 bytes of a text. */
export const encodeText = (text: string): Uint8Array => encoder.encode(text);

/** The text of UTF-8 bytes, or `undefined` where they are not UTF-8. */
export const decodeText = (bytes: Uint8Array): string | undefined => {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
};

/** The text of bytes that ought to be UTF-8, each wrong sequence replaced by U+FFFD. */
export const decodeTextLossy = (bytes: Uint8Array): string => lenient.decode(bytes);

/** The text of a line without its newline, or `undefined` where it is not UTF-8. */
export const decodeLine = (line: Uint8Array): string | undefined => decodeText(line.subarray(0, -1));

/** A text as a line. */
export const encodeLine = (text: string): Uint8Array => encodeText(`${text}\n`);

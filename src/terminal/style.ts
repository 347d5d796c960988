import { createHash } from 'node:crypto';
import { isDrawable } from './terminalState.js';
import { styleText, type SafeText } from '../text/sanitize.js';

/** Number of colours that a stream supports. */
export type ColourCount = 0 | 16 | 256;

/** Properties of an output stream that decide about colours. */
interface OutputStream {
  readonly isTTY?: boolean | undefined;
}

/** Terminal colour: the SGR parameters that set it, and its approximate sRGB value. */
interface Colour {
  readonly sgr: readonly number[];
  readonly rgb: readonly [number, number, number];
}

/**
 * Returns how many colours may be written to an output. Returns 0 if it is no terminal, `NO_COLOR` is not
 * empty (no-color.org), `TERM` has no colours or `isWanted` is false.
 */
export const colourCount = (
  { isTTY }: OutputStream,
  env: Readonly<Record<string, string | undefined>>,
  isWanted = true,
): ColourCount => {
  const term = env['TERM'] ?? '';
  if (!isWanted || isTTY !== true || (env['NO_COLOR'] ?? '') !== '' || isPlain(term)) return 0;
  const hasManyColours =
    /256|direct|kitty|alacritty|ghostty|foot/.test(term) || (env['COLORTERM'] ?? '') !== '';
  // tmux and screen show 256 colours on any terminal.
  return hasManyColours || env['TMUX'] !== undefined || term.startsWith('screen') || term.startsWith('tmux')
    ? 256
    : 16;
};

/** Whether a terminal has no colours: those of DEC, monochrome ones, and an unknown `TERM`. */
const isPlain = (term: string): boolean => !isDrawable(term) || /^vt\d|-m(ono)?$/.test(term);

/** Returns the relative luminance of a colour (WCAG 2.2). */
const luminance = ([r, g, b]: Colour['rgb']): number => {
  const linear = (value: number) =>
    value <= 0.04045 * 255 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
};

/** Returns the contrast ratio of two colours (WCAG 2.2), from 1 to 21. */
export const contrast = (first: Colour['rgb'], second: Colour['rgb']): number => {
  const [low = 0, high = 0] = [luminance(first), luminance(second)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};

/** Backgrounds to check against: black and those of dark terminals, white and those of light ones. */
export const BACKGROUNDS: readonly Colour['rgb'][] = [
  [0, 0, 0],
  [255, 255, 255],
];

/**
 * Minimum contrast on every background. 4.5 on both black and white leaves almost no colour. WCAG requires 3
 * for anything but running text.
 */
export const MIN_CONTRAST = 3;

/** Returns the hue of a colour in degrees. */
const hue = ([r, g, b]: Colour['rgb']): number => {
  const degrees = (Math.atan2(Math.sqrt(3) * (g - b), 2 * r - g - b) * 180) / Math.PI;
  return (degrees + 360) % 360;
};

const CUBE_LEVELS = [0, 95, 135, 175, 215, 255] as const;

/** Colour cube of xterm's 256 colours. */
const COLOUR_CUBE: readonly Colour[] = CUBE_LEVELS.flatMap((r, i) =>
  CUBE_LEVELS.flatMap((g, j) =>
    CUBE_LEVELS.map((b, k): Colour => ({ sgr: [38, 5, 16 + 36 * i + 6 * j + k], rgb: [r, g, b] })),
  ),
);

/** Those of the 16 basic colours of xterm that are legible on black and white. */
const BASIC_COLOURS: readonly Colour[] = [
  { sgr: [31], rgb: [205, 0, 0] },
  { sgr: [35], rgb: [205, 0, 205] },
];

const isReadable = ({ rgb }: Colour): boolean =>
  BACKGROUNDS.every((background) => contrast(rgb, background) >= MIN_CONTRAST);

const isStrong = ({ rgb }: Colour): boolean => Math.max(...rgb) - Math.min(...rgb) >= 95;

/** Colours for nicks by number of available colours, in order of hue. */
export const PALETTES: Readonly<Record<ColourCount, readonly Colour[]>> = {
  0: [],
  16: BASIC_COLOURS,
  256: COLOUR_CUBE.filter((each) => isReadable(each) && isStrong(each)).sort(
    (a, b) => hue(a.rgb) - hue(b.rgb),
  ),
};

/**
 * Returns the colour of a key by XEP-0392 (consistent colour generation). The first 16 bits of its SHA-1 are
 * an angle, and the colour of the nearest hue is chosen. If several have that hue, the next bits decide.
 */
export const colourOf = (key: string, colours: ColourCount): Colour | undefined => {
  const palette = PALETTES[colours];
  const digest = createHash('sha1').update(key).digest();
  const angle = (digest.readUInt16LE(0) / 65_536) * 360;
  const hueDistance = ({ rgb }: Colour) => {
    const distance = Math.abs(hue(rgb) - angle);
    return Math.min(distance, 360 - distance);
  };
  const nearest = Math.min(...palette.map(hueDistance));
  const candidates = palette.filter((each) => hueDistance(each) <= nearest + 1e-9);
  return candidates[digest.readUInt8(2) % candidates.length];
};

/** Styles of the parts of a conversation. */
export interface Style {
  /** Styles a nick in the colour of its key. */
  readonly nick: (name: SafeText, key: string | undefined) => SafeText;
  /** Styles secondary text. */
  readonly dim: (text: SafeText) => SafeText;
  readonly alarm: (text: SafeText) => SafeText;
}

/** Creates the style of an output with `colours` colours. With 0, it leaves text unchanged. */
export const createStyle = (colours: ColourCount): Style => {
  if (colours === 0) return { nick: (name) => name, dim: (text) => text, alarm: (text) => text };
  return {
    nick: (name, key) => {
      const colour = key === undefined ? undefined : colourOf(key, colours);
      return colour === undefined ? name : styleText(name, colour.sgr, 39);
    },
    dim: (text) => styleText(text, [2], 22),
    alarm: (text) => styleText(text, [1], 22),
  };
};

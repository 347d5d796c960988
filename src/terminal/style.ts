import { createHash } from 'node:crypto';
import { isDrawable } from './drawable.js';
import { styled, type Visible } from './visible.js';

/** How many colours a stream shows. */
export type Colours = 0 | 16 | 256;

/** What an output says of itself. */
export interface Output {
  readonly isTTY?: boolean | undefined;
}

/** A colour of the terminal: what sets it (SGR), and what it looks like, in sRGB. */
export interface Colour {
  readonly sgr: readonly number[];
  readonly rgb: readonly [number, number, number];
}

/**
 * How many colours may be written to an output: none where it is no terminal, at `NO_COLOR` (no-color.org: whatever is in
 * it, but not empty), a `TERM` that has none or `wanted: false`.
 */
export const coloursOf = (
  { isTTY }: Output,
  env: Readonly<Record<string, string | undefined>>,
  wanted = true,
): Colours => {
  const term = env['TERM'] ?? '';
  if (!wanted || isTTY !== true || (env['NO_COLOR'] ?? '') !== '' || isPlain(term)) return 0;
  const many = /256|direct|kitty|alacritty|ghostty|foot/.test(term) || (env['COLORTERM'] ?? '') !== '';
  // Whatever the terminal itself is called, one behind these shows 256.
  return many || env['TMUX'] !== undefined || term.startsWith('screen') || term.startsWith('tmux') ? 256 : 16;
};

/** Terminals without colours: those of DEC, what calls itself monochrome, and what says nothing of itself. */
const isPlain = (term: string): boolean => !isDrawable(term) || /^vt\d|-m(ono)?$/.test(term);

/** The share of light that a colour gives (WCAG 2.2, relative luminance). */
const luminance = ([r, g, b]: Colour['rgb']): number => {
  const linear = (value: number) =>
    value <= 0.04045 * 255 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
};

/** How well a colour is told from another (WCAG 2.2, contrast ratio): from 1 to 21. */
export const contrast = (one: Colour['rgb'], other: Colour['rgb']): number => {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};

/** Where text stands: black and what dark terminals have, white and what light ones have. */
export const BACKGROUNDS: readonly Colour['rgb'][] = [
  [0, 0, 0],
  [255, 255, 255],
];

/**
 * The least contrast on every background. 4.5 on black and on white at once leaves next to no colour; 3 is what WCAG wants of
 * what is no running text.
 */
export const LEAST_CONTRAST = 3;

/** The angle of a colour on the wheel, in degrees. */
const hue = ([r, g, b]: Colour['rgb']): number => {
  const degrees = (Math.atan2(Math.sqrt(3) * (g - b), 2 * r - g - b) * 180) / Math.PI;
  return (degrees + 360) % 360;
};

const STEPS = [0, 95, 135, 175, 215, 255] as const;

/** The colour cube of xterm's 256 colours. */
const CUBE: readonly Colour[] = STEPS.flatMap((r, i) =>
  STEPS.flatMap((g, j) =>
    STEPS.map((b, k): Colour => ({ sgr: [38, 5, 16 + 36 * i + 6 * j + k], rgb: [r, g, b] })),
  ),
);

/** Of the 16, as xterm draws them: the others cannot be read on black, or on white. */
const SIXTEEN: readonly Colour[] = [
  { sgr: [31], rgb: [205, 0, 0] },
  { sgr: [35], rgb: [205, 0, 205] },
];

const isReadable = ({ rgb }: Colour): boolean =>
  BACKGROUNDS.every((background) => contrast(rgb, background) >= LEAST_CONTRAST);

const isStrong = ({ rgb }: Colour): boolean => Math.max(...rgb) - Math.min(...rgb) >= 95;

/** What nicks are coloured with, by how many colours there are; in the order of their hues. */
export const PALETTES: Readonly<Record<Colours, readonly Colour[]>> = {
  0: [],
  16: SIXTEEN,
  256: CUBE.filter((each) => isReadable(each) && isStrong(each)).sort((a, b) => hue(a.rgb) - hue(b.rgb)),
};

/**
 * The colour of a key, by XEP-0392 (consistent colour generation): the first 16 bits of its SHA-1 are an angle, and the
 * colour of the palette that is nearest to it is the one. Where several have that hue, the next bits choose.
 */
export const colourOf = (key: string, colours: Colours): Colour | undefined => {
  const palette = PALETTES[colours];
  const digest = createHash('sha1').update(key).digest();
  const angle = (digest.readUInt16LE(0) / 65_536) * 360;
  const away = ({ rgb }: Colour) => {
    const distance = Math.abs(hue(rgb) - angle);
    return Math.min(distance, 360 - distance);
  };
  const nearest = Math.min(...palette.map(away));
  const near = palette.filter((each) => away(each) <= nearest + 1e-9);
  return near[digest.readUInt8(2) % near.length];
};

/** How the parts of a conversation are drawn. */
export interface Style {
  /** A nick, in the colour of its key. */
  readonly nick: (name: Visible, key: string | undefined) => Visible;
  /** What stands behind what is said. */
  readonly dim: (text: Visible) => Visible;
  readonly alarm: (text: Visible) => Visible;
}

/** The style of an output with so many colours; with none, text is left as it is. */
export const styleOf = (colours: Colours): Style => {
  if (colours === 0) return { nick: (name) => name, dim: (text) => text, alarm: (text) => text };
  return {
    nick: (name, key) => {
      const colour = key === undefined ? undefined : colourOf(key, colours);
      return colour === undefined ? name : styled(name, colour.sgr, 39);
    },
    dim: (text) => styled(text, [2], 22),
    alarm: (text) => styled(text, [1], 22),
  };
};

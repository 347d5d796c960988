import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  BACKGROUNDS,
  colourOf,
  colourCount,
  contrast,
  MIN_CONTRAST,
  PALETTES,
  createStyle,
} from '../../../src/terminal/style.js';
import { safe } from '../../../src/text/sanitize.js';

const TTY = { isTTY: true };

describe('how many colours an output has', () => {
  test.each([
    ['a terminal of 256', TTY, { TERM: 'xterm-256color' }, 256],
    ['one that says so otherwise', TTY, { TERM: 'xterm', COLORTERM: 'truecolor' }, 256],
    ['one in tmux', TTY, { TERM: 'screen', TMUX: '/tmp/x' }, 256],
    ['an older one', TTY, { TERM: 'xterm' }, 16],
    ['no terminal', { isTTY: false }, { TERM: 'xterm-256color' }, 0],
    ['a pipe', {}, { TERM: 'xterm-256color' }, 0],
    ['NO_COLOR', TTY, { TERM: 'xterm-256color', NO_COLOR: '1' }, 0],
    ['NO_COLOR that is empty', TTY, { TERM: 'xterm-256color', NO_COLOR: '' }, 256],
    ['a terminal that can nothing', TTY, { TERM: 'dumb', COLORTERM: 'truecolor' }, 0],
    ['a terminal that nobody knows', TTY, {}, 0],
    ['a terminal that says nothing of itself', TTY, { TERM: '', COLORTERM: 'truecolor' }, 0],
    ['a terminal of DEC', TTY, { TERM: 'vt100' }, 0],
    ['one without colours', TTY, { TERM: 'xterm-mono' }, 0],
  ] as const)('%s', (_, output, env, colours) => {
    expect(colourCount(output, env)).toBe(colours);
    expect(colourCount(output, env, false)).toBe(0);
  });
});

describe('the colours of nicks', () => {
  test('contrast is that of WCAG', () => {
    expect(contrast([0, 0, 0], [255, 255, 255])).toBe(21);
    expect(contrast([118, 118, 118], [255, 255, 255])).toBeCloseTo(4.54, 2);
    expect(contrast([255, 0, 0], [255, 0, 0])).toBe(1);
  });

  test.each([16, 256] as const)('can all be read on black and on white: of %d', (colours) => {
    expect(PALETTES[colours].length).toBeGreaterThan(1);
    for (const { rgb } of PALETTES[colours])
      for (const background of BACKGROUNDS)
        expect(contrast(rgb, background)).toBeGreaterThanOrEqual(MIN_CONTRAST);
  });

  test('more contrast on both at once is had by next to none of 256: that is why it is not asked for', () => {
    const better = PALETTES[256].filter(({ rgb }) => BACKGROUNDS.every((each) => contrast(rgb, each) >= 4.5));
    expect(better.length).toBeLessThan(6);
    expect(PALETTES[256].length).toBeGreaterThan(40);
  });

  test('go by the key, the same each time, and use the whole palette', () => {
    const used = new Set<string>();
    for (let n = 0; n < 2000; n += 1) {
      const colour = colourOf(`key ${n}`, 256);
      expect(colourOf(`key ${n}`, 256)).toBe(colour);
      used.add(String(colour?.sgr));
    }
    expect(used.size).toBe(PALETTES[256].length);
    expect(colourOf('key', 0)).toBeUndefined();
  });

  test('without any, nothing is written but text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const style = createStyle(0);
        const visible = safe`${text}`;
        for (const each of [style.nick(visible, 'key'), style.dim(visible), style.alarm(visible)])
          expect(each).toBe(visible);
      }),
    );
  });
});

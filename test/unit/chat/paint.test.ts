import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { messageLine, presenceLine } from '../../../src/cli/chat/format.js';
import { alarm, bare, info, mark, plainLine } from '../../../src/cli/chat/line.js';
import { paint, paintShort } from '../../../src/cli/chat/paint.js';
import { width } from '../../../src/terminal/cells.js';
import { colourOf, styleOf } from '../../../src/terminal/style.js';
import { shown } from '../../../src/terminal/visible.js';
import { hostileText, message, UNSAFE } from '../../support/heard.js';

const trust = { isVerified: () => false, isChanged: () => false };
const canvas = { columns: 24, style: styleOf(0), utc: true };
const coloured = { ...canvas, style: styleOf(256) };

describe('a line on a terminal', () => {
  test('is wrapped under its text', () => {
    const line = messageLine(message({ text: 'what did you say to carol' }), trust);
    expect(paint(line, canvas)).toBe('00:00 ?bob: what did you\n            say to carol');
    expect(paint(messageLine(message({ text: '你好世界再见了' }), trust), canvas)).toBe(
      '00:00 ?bob: 你好世界再见\n            了',
    );
  });

  test('has what it tells of in a column of its own, or above it where there is no room', () => {
    const line = { ...info(shown`say what you do`), term: shown`/me TEXT  ` };
    expect(paint(line, { ...canvas, columns: 26 })).toBe('-- /me TEXT  say what you\n             do');
    expect(paint(line, { ...canvas, columns: 20 })).toBe('-- /me TEXT\n     say what you do');
    expect(paint(line, { ...canvas, columns: 10 })).toBe(
      '-- /me\n   TEXT\n     say\n     what\n     you\n     do',
    );
    expect(plainLine(line)).toBe('-- /me TEXT  say what you do');
  });

  test('keeps the rows that its writer made, none of which can look like another message', () => {
    const line = messageLine(message({ text: 'one\n00:00 eve: two' }), trust);
    expect(paint(line, { ...canvas, columns: 60 })).toBe('00:00 ?bob: one\n            00:00 eve: two');
    expect(plainLine(line, true)).toBe('00:00 ?bob: one␊00:00 eve: two');
  });

  test('has its tabs as spaces on a screen, counted from where its text begins, and as tabs in a pipe', () => {
    const line = messageLine(message({ text: 'all:\n\tcc\t$<' }), trust);
    expect(paint(line, { ...canvas, columns: 60 })).toBe(
      `00:00 ?bob: all:\n${' '.repeat(12)}        cc      $<`,
    );
    expect(plainLine(line, true)).toBe('00:00 ?bob: all:␊\tcc\t$<');
  });

  test('has the nick in the colour of its key, and what is not said behind it', () => {
    const sgr = colourOf('KEY', 256)?.sgr.join(';');
    const line = messageLine(message({ key: 'KEY', text: 'hi' }), trust);
    expect(paint(line, coloured)).toBe(`00:00 \x1b[${sgr}m?bob\x1b[39m: hi`);
    expect(paint(presenceLine('joined', ['bob']), coloured)).toBe('\x1b[2m--> bob joined\x1b[22m');
    expect(paint(alarm(shown`alarm`), coloured)).toBe('\x1b[1m!! alarm\x1b[22m');
    expect(paint(bare(shown`rxchat://127.0.0.1:55555/#secret`), coloured)).toBe(
      'rxchat://127.0.0.1:55555/#secret',
    );
    expect(paint(mark(shown`new`), { ...canvas, columns: 12 })).toBe('── new ─────');
  });

  test('says what somebody does', () => {
    const act = (each: 'me' | 'topic' | 'away' | 'back', text: string) =>
      plainLine(messageLine(message({ act: each, text, own: true, nick: 'alice' }), trust), true);
    expect(act('me', 'waves')).toBe('00:00 * alice waves');
    expect(act('topic', 'tea')).toBe('00:00 -- alice set the topic: tea');
    expect(act('away', 'lunch')).toBe('00:00 -- alice is away: lunch');
    expect(act('back', 'back')).toBe('00:00 -- alice is back');
  });

  test('is cut to one row where it is drawn again and again', () => {
    const short = paintShort(messageLine(message({ text: 'what did you say to carol' }), trust), canvas);
    expect(short).toBe('00:00 ?bob: what did\u2026');
    expect(paintShort(info(shown`short`), canvas)).toBe('-- short');
  });

  test('leaves a word that no row holds whole, for the terminal to wrap', () => {
    const url = `https://plus.example.com/${'photos/'.repeat(20)}end`;
    const line = messageLine(message({ nick: 'bob', text: `look: ${url} ok? and a few words more` }), trust);
    expect(paint(line, { ...canvas, columns: 40 }).split('\n')).toStrictEqual([
      `00:00 ?bob: look: ${url} ok? and a few`,
      '            words more',
    ]);
    expect(paintShort(line, { ...canvas, columns: 40 })).toBe(
      '00:00 ?bob: look: https://plus.example.\u2026',
    );
  });

  test('fits its columns but for words that no row holds, and holds no sequence but ours, whatever others send', () => {
    fc.assert(
      fc.property(hostileText, hostileText, fc.integer({ min: 10, max: 80 }), (nick, text, columns) => {
        const line = messageLine(message({ nick, text }), trust);
        for (const drawn of [
          paint(line, { ...coloured, columns }),
          paintShort(line, { ...coloured, columns }),
        ])
          for (const row of drawn.split('\n')) {
            const long = row.split(' ').some((word) => width(word) > columns / 2);
            if (!long) expect(width(row)).toBeLessThanOrEqual(columns);
            // eslint-disable-next-line no-control-regex
            expect(row.replaceAll(/\x1b\[[\d;]+m/g, '')).not.toMatch(UNSAFE);
          }
      }),
    );
  });
});

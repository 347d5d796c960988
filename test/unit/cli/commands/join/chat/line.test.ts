import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { messageLine, presenceLine } from '../../../../../../src/cli/commands/join/chat/eventLine.js';
import {
  alarm,
  verbatim,
  info,
  separator,
  formatLine,
  renderLine,
  renderShort,
} from '../../../../../../src/cli/commands/join/chat/line.js';
import { textWidth } from '../../../../../../src/text/cells.js';
import { colourOf, createStyle } from '../../../../../../src/terminal/style.js';
import { safe } from '../../../../../../src/text/sanitize.js';
import { hostileText, messageEvent, UNSAFE } from '../../../../../support/clientEvents.js';

const trust = { isVerified: () => false, isChanged: () => false };
const canvas = { columns: 24, style: createStyle(0), utc: true };
const coloured = { ...canvas, style: createStyle(256) };

describe('renderLine', () => {
  test('wraps a line under its text', () => {
    const line = messageLine(messageEvent({ text: 'what did you say to carol' }), trust);
    expect(renderLine(line, canvas)).toBe('00:00 ?bob: what did you\n            say to carol');
    expect(renderLine(messageLine(messageEvent({ text: '你好世界再见了' }), trust), canvas)).toBe(
      '00:00 ?bob: 你好世界再见\n            了',
    );
  });

  test('puts the nick in its own column, or above the text when there is no room', () => {
    const line = { ...info(safe`say what you do`), term: safe`/me TEXT  ` };
    expect(renderLine(line, { ...canvas, columns: 26 })).toBe('-- /me TEXT  say what you\n             do');
    expect(renderLine(line, { ...canvas, columns: 20 })).toBe('-- /me TEXT\n     say what you do');
    expect(renderLine(line, { ...canvas, columns: 10 })).toBe(
      '-- /me\n   TEXT\n     say\n     what\n     you\n     do',
    );
    expect(formatLine(line)).toBe('-- /me TEXT  say what you do');
  });

  test('keeps the rows of the sender, and no row can look like another message', () => {
    const line = messageLine(messageEvent({ text: 'one\n00:00 eve: two' }), trust);
    expect(renderLine(line, { ...canvas, columns: 60 })).toBe('00:00 ?bob: one\n            00:00 eve: two');
    expect(formatLine(line, true)).toBe('00:00 ?bob: one␊00:00 eve: two');
  });

  test('expands tabs from the start of the text on a screen, and keeps them in a pipe', () => {
    const line = messageLine(messageEvent({ text: 'all:\n\tcc\t$<' }), trust);
    expect(renderLine(line, { ...canvas, columns: 60 })).toBe(
      `00:00 ?bob: all:\n${' '.repeat(12)}        cc      $<`,
    );
    expect(formatLine(line, true)).toBe('00:00 ?bob: all:␊\tcc\t$<');
  });

  test('colours the nick by its key, and puts annotations after it', () => {
    const sgr = colourOf('KEY', 256)?.sgr.join(';');
    const line = messageLine(messageEvent({ key: 'KEY', text: 'hi' }), trust);
    expect(renderLine(line, coloured)).toBe(`00:00 \x1b[${sgr}m?bob\x1b[39m: hi`);
    expect(renderLine(presenceLine('joined', ['bob']), coloured)).toBe('\x1b[2m--> bob joined\x1b[22m');
    expect(renderLine(alarm(safe`alarm`), coloured)).toBe('\x1b[1m!! alarm\x1b[22m');
    expect(renderLine(verbatim(safe`rxchat://127.0.0.1:55555/#secret`), coloured)).toBe(
      'rxchat://127.0.0.1:55555/#secret',
    );
    expect(renderLine(separator(safe`new`), { ...canvas, columns: 12 })).toBe('── new ─────');
  });

  test('shows an action of a member', () => {
    const act = (each: 'me' | 'topic' | 'away' | 'back', text: string) =>
      formatLine(messageLine(messageEvent({ act: each, text, own: true, nick: 'alice' }), trust), true);
    expect(act('me', 'waves')).toBe('00:00 * alice waves');
    expect(act('topic', 'tea')).toBe('00:00 -- alice set the topic: tea');
    expect(act('away', 'lunch')).toBe('00:00 -- alice is away: lunch');
    expect(act('back', 'back')).toBe('00:00 -- alice is back');
  });

  test('cuts a line to one row when it is redrawn', () => {
    const short = renderShort(
      messageLine(messageEvent({ text: 'what did you say to carol' }), trust),
      canvas,
    );
    expect(short).toBe('00:00 ?bob: what did\u2026');
    expect(renderShort(info(safe`short`), canvas)).toBe('-- short');
  });

  test('leaves a word longer than a row to the terminal', () => {
    const url = `https://plus.example.com/${'photos/'.repeat(20)}end`;
    const line = messageLine(
      messageEvent({ nick: 'bob', text: `look: ${url} ok? and a few words more` }),
      trust,
    );
    expect(renderLine(line, { ...canvas, columns: 40 }).split('\n')).toStrictEqual([
      `00:00 ?bob: look: ${url} ok? and a few`,
      '            words more',
    ]);
    expect(renderShort(line, { ...canvas, columns: 40 })).toBe(
      '00:00 ?bob: look: https://plus.example.\u2026',
    );
  });

  test('fits the columns except for long words, and contains no foreign escape sequence', () => {
    fc.assert(
      fc.property(hostileText, hostileText, fc.integer({ min: 10, max: 80 }), (nick, text, columns) => {
        const line = messageLine(messageEvent({ nick, text }), trust);
        for (const rendered of [
          renderLine(line, { ...coloured, columns }),
          renderShort(line, { ...coloured, columns }),
        ])
          for (const row of rendered.split('\n')) {
            const long = row.split(' ').some((word) => textWidth(word) > columns / 2);
            if (!long) expect(textWidth(row)).toBeLessThanOrEqual(columns);
            // eslint-disable-next-line no-control-regex -- the pattern matches terminal sequences
            expect(row.replaceAll(/\x1b\[[\d;]+m/g, '')).not.toMatch(UNSAFE);
          }
      }),
    );
  });
});

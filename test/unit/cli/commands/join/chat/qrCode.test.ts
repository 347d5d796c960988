import { describe, expect, test } from '@jest/globals';
import decode from 'qr/decode.js';
import { qrLines, qrRows } from '../../../../../../src/cli/commands/join/chat/qrCode.js';
import { createInvite, formatInvite } from '../../../../../../src/index.js';
import { textWidth } from '../../../../../../src/text/cells.js';

/** Converts half blocks to an image with 4 pixels per module, in which drawn parts are light. */
const pictureOf = (rows: readonly string[], scale = 4) => {
  const light = rows.flatMap((row) => [
    Array.from(row, (each) => each === '\u2588' || each === '\u2580'),
    Array.from(row, (each) => each === '\u2588' || each === '\u2584'),
  ]);
  const size = { width: (light[0]?.length ?? 0) * scale, height: light.length * scale };
  const data = new Uint8ClampedArray(size.width * size.height * 4);
  for (let y = 0; y < size.height; y += 1)
    for (let x = 0; x < size.width; x += 1) {
      const value = light[Math.floor(y / scale)]?.[Math.floor(x / scale)] === true ? 255 : 0;
      data.set([value, value, value, 255], (y * size.width + x) * 4);
    }
  return { ...size, data };
};

describe('the QR code of an invite', () => {
  test.each([
    ['of this machine', createInvite()],
    ['of another, with its pin', createInvite({ host: 'chat.example.org', port: 1, pin: 'A'.repeat(43) })],
  ])('is readable from the drawing: %s', async (_, invite) => {
    const text = formatInvite(invite);
    expect(decode(pictureOf(await qrRows(text)))).toBe(text);
  });

  test('has the same width everywhere, fits 60 columns, and is omitted when it does not fit', async () => {
    const text = formatInvite(createInvite());
    const rows = await qrRows(text);
    const widths = new Set(rows.map(textWidth));
    expect(widths.size).toBe(1);
    const [needed = 0] = widths;
    expect(needed).toBeLessThan(60);
    const [rendered] = await qrLines(text, needed, 0);
    expect(rendered?.rows).toStrictEqual(rows);
    const [reported] = await qrLines(text, needed - 1, 0);
    expect(reported?.rows).toStrictEqual([
      `the QR code needs ${needed} columns, and there are ${needed - 1}; widen the terminal`,
    ]);
  });

  test('is black on white when it has colours, in any terminal', async () => {
    const text = formatInvite(createInvite());
    for (const [colours, on] of [
      [256, '38;5;231;48;5;16'],
      [16, '97;40'],
    ] as const) {
      const [rendered] = await qrLines(text, 80, colours);
      for (const row of rendered?.rows ?? [])
        expect(row.startsWith(`\x1b[${on}m`) && row.endsWith('\x1b[0m')).toBe(true);
    }
  });
});

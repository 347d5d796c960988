import { expect, test } from '@jest/globals';
import { formatPairs, formatTable } from '../../../src/admin/formatTable.js';

test('a table aligns texts on the left and numbers on the right, by their width in a terminal', () => {
  const columns = [{ title: 'NICK' }, { title: 'BYTES', isNumber: true }, { title: 'ROOM' }];
  const rows = [
    ['日本', '7', 'a'],
    ['bob', '123456', 'b'],
  ];
  expect(formatTable(columns, rows).split('\n')).toStrictEqual([
    'NICK   BYTES  ROOM',
    '日本       7  a',
    'bob   123456  b',
  ]);
});

test('a table without rows has its titles, and a cell cannot control the terminal', () => {
  expect(formatTable([{ title: 'NICK' }], [])).toBe('NICK');
  const table = formatTable([{ title: 'NICK' }], [['\u001b[2J\n\u202e']]);
  for (const character of '\u001b\u202e') expect(table).not.toContain(character);
  expect(table.split('\n')).toHaveLength(2);
});

test('pairs align their values', () => {
  expect(
    formatPairs([
      ['pid', '1'],
      ['state', 'serving'],
    ]),
  ).toBe('pid    1\nstate  serving');
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Cursor, openCursorFile } from '../../src/cli/listening/cursor.js';

let path = '';
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'rxchat-cursor-')), 'room.cursor');
});
afterEach(() => {
  rmSync(join(path, '..'), { recursive: true, force: true });
});

const at = (position: number): Cursor => ({ log: 'log', position, lines: 0 });

test('a cursor comes back in the next run, of its own room alone', () => {
  openCursorFile(path, 'room').save(at(7));
  expect(openCursorFile(path, 'room').start).toStrictEqual(at(7));
  expect(() => openCursorFile(path, 'other')).toThrow(`--cursor-file ${path} is of another room`);
});

test('what names the entries that were read comes back with it, and is refused if it is none', () => {
  const named = { ...at(7), hash: 'AAAAAAAAAAA', earlier: { n: 5, hash: 'AAAAAAAAAAE' } };
  openCursorFile(path, 'room').save(named);
  expect(openCursorFile(path, 'room').start).toStrictEqual(named);
  for (const earlier of [null, 5, {}, { n: 5 }, { n: 7, hash: 'AAAAAAAAAAE' }, { n: 5, hash: 'short' }]) {
    writeFileSync(path, JSON.stringify({ v: 1, room: 'room', ...named, earlier }));
    expect(() => openCursorFile(path, 'room')).toThrow('holds no cursor');
  }
});

test.each(['', '\n'])('a file that is there and empty (%j) is a new one, as mktemp makes it', (content) => {
  writeFileSync(path, content);
  const file = openCursorFile(path, 'room');
  expect(file.start).toBeUndefined();
  file.save(at(3));
  expect(openCursorFile(path, 'room').start).toStrictEqual(at(3));
});

test.each(['{', 'null', '{"v":1}', '{"v":2,"room":"room","log":"log","position":1,"lines":0}', '\u0000'])(
  'what is no cursor (%j) is refused with its path, and not overwritten',
  (content) => {
    writeFileSync(path, content);
    expect(() => openCursorFile(path, 'room')).toThrow(`--cursor-file ${path} holds no cursor`);
    expect(readFileSync(path, 'utf8')).toBe(content);
  },
);

test('two listeners of one file both go on, each says it once, and the file is always whole', () => {
  const told: string[] = [];
  const [one, other] = ['one', 'other'].map((name) =>
    openCursorFile(path, 'room', (text) => told.push(`${name}: ${text}`)),
  );
  for (let position = 1; position <= 20; position += 1) {
    (position % 2 === 0 ? one : other)?.save(at(position));
    expect(openCursorFile(path, 'room').start).toStrictEqual(at(position));
  }
  const text = `another listen writes --cursor-file ${path} too; give each a file of its own`;
  expect(told.sort()).toStrictEqual([`one: ${text}`, `other: ${text}`]);
});

test('a single listener says nothing of others, over two runs either', () => {
  const told: string[] = [];
  for (const start of [1, 11]) {
    const file = openCursorFile(path, 'room', (text) => told.push(text));
    for (let each = 0; each < 10; each += 1) file.save(at(start + each));
  }
  expect(told).toStrictEqual([]);
});

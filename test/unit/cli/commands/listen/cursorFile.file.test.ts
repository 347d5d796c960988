import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type StoredPosition, openCursorFile } from '../../../../../src/cli/commands/listen/cursorFile.js';

let path = '';
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'rxchat-cursor-')), 'room.cursor');
});
afterEach(() => {
  rmSync(join(path, '..'), { recursive: true, force: true });
});

const at = (position: number): StoredPosition => ({ log: 'log', position, lines: 0 });

test('the cursor file restores a cursor in the next run, for its own room only', () => {
  openCursorFile(path, 'room').save(at(7));
  expect(openCursorFile(path, 'room').saved).toStrictEqual(at(7));
  expect(() => openCursorFile(path, 'other')).toThrow(`--cursor-file ${path} belongs to another room`);
});

test('the cursor file restores the hash of the read entries, and refuses an invalid one', () => {
  const named = { ...at(7), hash: 'AAAAAAAAAAA', earlier: { n: 5, hash: 'AAAAAAAAAAE' } };
  openCursorFile(path, 'room').save(named);
  expect(openCursorFile(path, 'room').saved).toStrictEqual(named);
  for (const earlier of [null, 5, {}, { n: 5 }, { n: 7, hash: 'AAAAAAAAAAE' }, { n: 5, hash: 'short' }]) {
    writeFileSync(path, JSON.stringify({ v: 1, room: 'room', ...named, earlier }));
    expect(() => openCursorFile(path, 'room')).toThrow('contains no cursor');
  }
});

test.each(['', '\n'])('the cursor file accepts an empty file (%j) as new, as mktemp makes it', (content) => {
  writeFileSync(path, content);
  const file = openCursorFile(path, 'room');
  expect(file.saved).toBeUndefined();
  file.save(at(3));
  expect(openCursorFile(path, 'room').saved).toStrictEqual(at(3));
});

test.each(['{', 'null', '{"v":1}', '{"v":2,"room":"room","log":"log","position":1,"lines":0}', '\u0000'])(
  'the cursor file refuses %j with its path, and does not overwrite it',
  (content) => {
    writeFileSync(path, content);
    expect(() => openCursorFile(path, 'room')).toThrow(`--cursor-file ${path} contains no cursor`);
    expect(readFileSync(path, 'utf8')).toBe(content);
  },
);

test('two listeners with one cursor file both continue, each warns once, and the file stays whole', () => {
  const reported: string[] = [];
  const [one, other] = ['one', 'other'].map((name) =>
    openCursorFile(path, 'room', (text) => reported.push(`${name}: ${text}`)),
  );
  for (let position = 1; position <= 20; position += 1) {
    (position % 2 === 0 ? one : other)?.save(at(position));
    expect(openCursorFile(path, 'room').saved).toStrictEqual(at(position));
  }
  const text = `another listen also writes --cursor-file ${path}; use a separate file for each`;
  expect(reported.sort()).toStrictEqual([`one: ${text}`, `other: ${text}`]);
});

test('a single listener does not warn about others, even over two runs', () => {
  const reported: string[] = [];
  for (const start of [1, 11]) {
    const file = openCursorFile(path, 'room', (text) => reported.push(text));
    for (let each = 0; each < 10; each += 1) file.save(at(start + each));
  }
  expect(reported).toStrictEqual([]);
});

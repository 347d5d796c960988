import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { EMPTY, of } from 'rxjs';
import { openReadPosition } from '../../../../../src/cli/commands/join/readPosition.js';

let dir = '';
let reported: string[] = [];
const notify = (text: string) => void reported.push(text);
beforeEach(() => {
  reported = [];
  dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

test('readPosition keeps the position for each room across runs, without any message text', () => {
  const first = openReadPosition('ROOM', notify, dir);
  expect(first.saved).toBeUndefined();
  of('heard')
    .pipe(first.persist({ position: { log: 'log', n: 7 } }))
    .subscribe();
  expect(openReadPosition('ROOM', notify, dir).saved).toStrictEqual({ log: 'log', n: 7 });
  expect(openReadPosition('OTHER', notify, dir).saved).toBeUndefined();
  const [file = ''] = readdirSync(dir);
  expect(readFileSync(join(dir, file), 'utf8')).toBe('{"v":1,"after":"log/7"}\n');
  expect(file).not.toContain('ROOM');
});

test('readPosition ignores a file that cannot be read or written, and reports it once', () => {
  const room = openReadPosition('ROOM', notify, dir);
  EMPTY.pipe(room.persist({ position: { log: 'log', n: 7 } })).subscribe();
  const [file = ''] = readdirSync(dir);
  for (const text of [
    '',
    '{',
    '{"v":2,"after":"log/7"}',
    '{"v":1,"after":7}',
    '{"v":1,"after":"log"}',
    'null',
  ]) {
    writeFileSync(join(dir, file), text);
    expect(openReadPosition('ROOM', notify, dir).saved).toBeUndefined();
  }
  const nowhere = openReadPosition('ROOM', notify, '/dev/null/x');
  EMPTY.pipe(nowhere.persist({ position: { log: 'log', n: 7 } })).subscribe();
  EMPTY.pipe(nowhere.persist({ position: { log: 'log', n: 8 } })).subscribe();
  EMPTY.pipe(nowhere.persist({ position: undefined })).subscribe();
  expect(reported).toStrictEqual([
    expect.stringMatching(/^cannot save the read position in \/dev\/null\/x\/.*: a part of the path is not/),
  ]);
});

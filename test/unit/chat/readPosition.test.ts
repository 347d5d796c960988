import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { EMPTY, of } from 'rxjs';
import { openReadPosition } from '../../../src/cli/chat/readPosition.js';

let dir = '';
let told: string[] = [];
const tell = (text: string) => void told.push(text);
beforeEach(() => {
  told = [];
  dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

test('how far one has read is there in the next run, for each room, and no word of what was read', () => {
  const first = openReadPosition('ROOM', tell, dir);
  expect(first.before).toBeUndefined();
  of('heard')
    .pipe(first.keeping({ at: { log: 'log', n: 7 } }))
    .subscribe();
  expect(openReadPosition('ROOM', tell, dir).before).toStrictEqual({ log: 'log', n: 7 });
  expect(openReadPosition('OTHER', tell, dir).before).toBeUndefined();
  const [file = ''] = readdirSync(dir);
  expect(readFileSync(join(dir, file), 'utf8')).toBe('{"v":1,"after":"log/7"}\n');
  expect(file).not.toContain('ROOM');
});

test('what cannot be read or written is as good as nothing, and told once', () => {
  const room = openReadPosition('ROOM', tell, dir);
  EMPTY.pipe(room.keeping({ at: { log: 'log', n: 7 } })).subscribe();
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
    expect(openReadPosition('ROOM', tell, dir).before).toBeUndefined();
  }
  const nowhere = openReadPosition('ROOM', tell, '/dev/null/x');
  EMPTY.pipe(nowhere.keeping({ at: { log: 'log', n: 7 } })).subscribe();
  EMPTY.pipe(nowhere.keeping({ at: { log: 'log', n: 8 } })).subscribe();
  EMPTY.pipe(nowhere.keeping({ at: undefined })).subscribe();
  expect(told).toStrictEqual([
    expect.stringMatching(
      /^how far you have read cannot be kept in \/dev\/null\/x\/.*: a part of the path is not/,
    ),
  ]);
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { EMPTY, of } from 'rxjs';
import { openReadPosition } from '../../../src/cli/chat/readPosition.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

test('how far one has read is there in the next run, for each room, and no word of what was read', () => {
  const first = openReadPosition('ROOM', dir);
  expect(first.before).toBeUndefined();
  of('heard')
    .pipe(first.keeping({ at: { log: 'log', n: 7 } }))
    .subscribe();
  expect(openReadPosition('ROOM', dir).before).toStrictEqual({ log: 'log', n: 7 });
  expect(openReadPosition('OTHER', dir).before).toBeUndefined();
  const [file = ''] = readdirSync(dir);
  expect(readFileSync(join(dir, file), 'utf8')).toBe('{"v":1,"after":"log/7"}\n');
  expect(file).not.toContain('ROOM');
});

test('what cannot be read or written is as good as nothing', () => {
  const room = openReadPosition('ROOM', dir);
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
    expect(openReadPosition('ROOM', dir).before).toBeUndefined();
  }
  const nowhere = openReadPosition('ROOM', '/dev/null/x');
  EMPTY.pipe(nowhere.keeping({ at: { log: 'log', n: 7 } })).subscribe();
  EMPTY.pipe(nowhere.keeping({ at: undefined })).subscribe();
});

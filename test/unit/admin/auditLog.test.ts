import { afterEach, describe, expect, test } from '@jest/globals';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { appendAuditLine, formatAuditLine } from '../../../src/admin/auditLog.js';
import { tempDirs } from '../../support/history/openHistory.js';

const dirs = tempDirs();
afterEach(() => dirs.clear());

describe('a line of the audit log', () => {
  const request = { action: 'log-level', target: 'debug', user: 'root' } as const;

  test('says when, who, what and how it ended', () => {
    expect(formatAuditLine(request, { ok: true, result: { secret: 1 } }, 0)).toBe(
      '{"time":"1970-01-01T00:00:00.000Z","user":"root","action":"log-level","target":"debug","ok":true}',
    );
    expect(formatAuditLine(request, { ok: false, error: 'no' }, 0)).toMatch(/"ok":false,"error":"no"\}$/);
  });

  test('stays one line and controls no terminal, whatever was asked for', () => {
    const line = formatAuditLine({ ...request, target: 'a\n\u001b[2J\u2028' }, { ok: true, result: {} }, 0);
    for (const character of '\n\u001b\u2028') expect(line).not.toContain(character);
    expect(JSON.parse(line)).toMatchObject({ target: 'a\n\u001b[2J\u2028' });
  });
});

describe('the audit log', () => {
  test('is for its owner alone, and keeps what was in it', () => {
    const dir = dirs.make();
    for (const line of ['1', '2']) expect(appendAuditLine(dir, line)).toBeUndefined();
    expect(readFileSync(join(dir, 'audit.log'), 'utf8')).toBe('1\n2\n');
    expect(statSync(join(dir, 'audit.log')).mode & 0o777).toBe(0o600);
  });

  test('has an end: a full one becomes audit.log.1, and replaces the one before', () => {
    const dir = dirs.make();
    for (const line of ['1', '2', '3']) appendAuditLine(dir, line, 2);
    expect(readdirSync(dir).sort()).toStrictEqual(['audit.log', 'audit.log.1']);
    expect(readFileSync(join(dir, 'audit.log'), 'utf8')).toBe('3\n');
    expect(readFileSync(join(dir, 'audit.log.1'), 'utf8')).toBe('2\n');
  });

  test('says why it cannot be written', () => {
    expect(appendAuditLine(join(dirs.make(), 'none'), '1')).toBe('no such file or directory');
  });
});

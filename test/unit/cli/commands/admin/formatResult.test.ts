import { describe, expect, test } from '@jest/globals';
import type { AdminAction, AdminResult } from '../../../../../src/admin/protocol.js';
import { formatResult } from '../../../../../src/cli/commands/admin/formatResult.js';

const until = '2026-01-02T03:04:05.678Z';

describe('the result of an action, for people', () => {
  test.each<[AdminAction, AdminResult, string]>([
    ['kick', { disconnected: 1 }, 'disconnected 1 connection'],
    [
      'ban',
      { target: '192.0.2.1', disconnected: 0 },
      'banned 192.0.2.1 until it is removed; disconnected 0 connections',
    ],
    [
      'ban',
      { target: '::/64', until, disconnected: 2 },
      'banned ::/64 until 2026-01-02 03:04:05Z; disconnected 2 connections',
    ],
    ['unban', { target: '192.0.2.1' }, 'removed the ban of 192.0.2.1'],
    [
      'bans',
      { total: 2, rows: [{ target: 'ROOM' }, { target: '192.0.2.1', until }] },
      'TARGET     UNTIL\nROOM       -\n192.0.2.1  2026-01-02 03:04:05Z',
    ],
    ['bans', { total: 5, rows: [] }, 'TARGET  UNTIL\nand 5 more'],
    [
      'delete-room',
      { target: 'ROOM', entries: 1, bytes: 510_230, disconnected: 2 },
      'deleted ROOM with 1 entry (498 KiB); disconnected 2 connections',
    ],
    ['drain', { stopsAt: until }, 'the relay stops at 2026-01-02 03:04:05Z'],
    ['reload', { logLevel: 'info', bans: 3 }, 'reloaded; log level info, bans: 3'],
    ['log-level', { logLevel: 'warn' }, 'warn'],
    [
      'status',
      { slowReaders: 3, windowBytes: 4300, startedAt: until },
      'slow readers  3\nwindow        4.2 KiB\nstarted       2026-01-02 03:04:05Z',
    ],
  ])('of %s is %j: %s', (action, result, text) => {
    expect(formatResult(action, result)).toBe(text);
  });

  test('survives a relay of another version, and controls no terminal', () => {
    expect(formatResult('connections', { rows: 'none' })).toMatch(/^ADDRESS/);
    expect(formatResult('log-level', { logLevel: '\u001b[2J' })).not.toContain('\u001b');
  });
});

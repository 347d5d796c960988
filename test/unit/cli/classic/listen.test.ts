import { describe, expect, test } from '@jest/globals';
import type { ClassicEvent } from '../../../../streams/classic/classicClient.js';
import { formatJson, formatPlain } from '../../../../src/cli/classic/listen.js';
import { formatChat } from '../../../../src/cli/classic/join.js';

const ESC = '\u001b[2J';
const message = (text: string): ClassicEvent => ({ type: 'message', nick: `bo${ESC}b`, text, own: false });

describe('text of others is sanitized', () => {
  test('formatPlain sanitizes text of others', () => {
    expect(formatPlain(message(`hi${ESC}`), 'me')).toStrictEqual({ out: 'bo␛[2Jb: hi␛[2J' });
    expect(formatPlain({ type: 'other', text: ESC }, 'me').note).toBe(`the server says: ${ESC}`);
    expect(formatPlain({ type: 'joined', nick: ESC }, 'me')).toStrictEqual({ note: '␛[2J joined' });
  });

  test('formatJson escapes text of others, which parses to the exact text', () => {
    const { out = '' } = formatJson(message(`hi${ESC}`), 'me');
    expect(out).not.toContain('\u001b');
    expect(JSON.parse(out)).toMatchObject({
      v: 1,
      type: 'message',
      wire: 'classic',
      from: { nick: `bo${ESC}b`, verified: false },
      text: `hi${ESC}`,
    });
    expect(formatJson({ type: 'undecryptable', reason: 'malformed' }, 'me').out).toBe(
      '{"v":1,"type":"undecryptable","wire":"classic","reason":"malformed"}',
    );
  });

  test('formatChat sanitizes text of others', () => {
    expect(formatChat(message(ESC), 'me')).toMatch(/^\d\d:\d\d bo␛\[2Jb: ␛\[2J$/);
    expect(formatChat({ type: 'other', text: ESC }, 'me')).toBe('-- the server says: ␛[2J');
    expect(formatChat({ type: 'joined', nick: ESC }, 'me')).toBe('--> ␛[2J joined');
    expect(formatChat({ type: 'left', nick: ESC }, 'me')).toBe('<-- ␛[2J left');
  });
});

test('no format reports the own join or leave', () => {
  for (const type of ['joined', 'left'] as const) {
    expect(formatPlain({ type, nick: 'me' }, 'me')).toStrictEqual({});
    expect(formatChat({ type, nick: 'me' }, 'me')).toBeUndefined();
  }
});

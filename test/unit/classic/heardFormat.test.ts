import { describe, expect, test } from '@jest/globals';
import type { TalkHeard } from '../../../streams/classic/talk.js';
import { chatLine, jsonLine, plainLine } from '../../../src/classic/heardFormat.js';

const ESC = '\u001b[2J';
const message = (text: string): TalkHeard => ({ type: 'message', nick: `bo${ESC}b`, text, own: false });

describe('what others sent is made visible', () => {
  test('in a line of listen', () => {
    expect(plainLine(message(`hi${ESC}`), 'me')).toStrictEqual({ out: 'bo␛[2Jb: hi␛[2J' });
    expect(plainLine({ type: 'other', text: ESC }, 'me').note).toBe(`the server says: ${ESC}`);
    expect(plainLine({ type: 'joined', nick: ESC }, 'me')).toStrictEqual({ note: '␛[2J joined' });
  });

  test('in JSON, where it reads back exactly', () => {
    const { out = '' } = jsonLine(message(`hi${ESC}`), 'me');
    expect(out).not.toContain('\u001b');
    expect(JSON.parse(out)).toMatchObject({
      v: 1,
      type: 'message',
      wire: 'classic',
      from: { nick: `bo${ESC}b`, verified: false },
      text: `hi${ESC}`,
    });
    expect(jsonLine({ type: 'undecryptable', reason: 'malformed' }, 'me').out).toBe(
      '{"v":1,"type":"undecryptable","wire":"classic","reason":"malformed"}',
    );
  });

  test('in a chat', () => {
    expect(chatLine(message(ESC), 'me')).toMatch(/^\d\d:\d\d bo␛\[2Jb: ␛\[2J$/);
    expect(chatLine({ type: 'other', text: ESC }, 'me')).toBe('-- the server says: ␛[2J');
    expect(chatLine({ type: 'joined', nick: ESC }, 'me')).toBe('--> ␛[2J joined');
    expect(chatLine({ type: 'left', nick: ESC }, 'me')).toBe('<-- ␛[2J left');
  });
});

test('of oneself nobody is told that one came or went', () => {
  for (const type of ['joined', 'left'] as const) {
    expect(plainLine({ type, nick: 'me' }, 'me')).toStrictEqual({});
    expect(chatLine({ type, nick: 'me' }, 'me')).toBeUndefined();
  }
});

import { describe, expect, test } from '@jest/globals';
import { connectionStatus } from '../../../../../../src/cli/commands/join/chat/connectionStatus.js';
import type { ClientEvent } from '../../../../../../streams/client/clientEvent.js';
import { messageEvent, welcomeEvent } from '../../../../../support/clientEvents.js';

const SECOND = 1000;
const lost = (retryMs = 3000): ClientEvent => ({ type: 'offline', reason: 'gone', retryMs, attempt: 1 });

/** A connection with events at times in s, its notices, and its status in the prompt. */
const story = () => {
  const link = connectionStatus();
  const sent: string[] = [];
  const keep = (lines: readonly { readonly rows: readonly string[] }[]) => {
    sent.push(...lines.map(({ rows }) => rows.join('\n')));
  };
  return {
    sent,
    at: (seconds: number, ...events: readonly ClientEvent[]) => {
      for (const each of events) keep(link.update(each, seconds * SECOND).lines);
      keep(link.takeDue(seconds * SECOND));
    },
    prompt: (seconds: number, oldest?: number) =>
      link.promptText(seconds * SECOND, oldest === undefined ? undefined : oldest * SECOND),
  };
};

describe('the connection status in the prompt', () => {
  test('is empty when the connection is up, and counts while it is down', () => {
    const { at, prompt } = story();
    expect(prompt(0)).toBe('connecting');
    at(0, welcomeEvent({}));
    expect(prompt(1)).toBeUndefined();
    at(10, lost());
    expect(prompt(10)).toBe('offline 0 s, retry in 3 s');
    expect(prompt(12.4)).toBe('offline 2 s, retry in 1 s');
    expect(prompt(14)).toBe('offline 4 s, trying');
    at(15, lost(9000));
    expect(prompt(20)).toBe('offline 10 s, retry in 4 s');
    expect(prompt(190)).toBe('offline 3 min, trying');
    at(200, welcomeEvent({}));
    expect(prompt(200)).toBeUndefined();
  });

  test('shows lag when a receipt is missing for 5 s, not counting time offline', () => {
    const { at, prompt } = story();
    at(0, welcomeEvent({}));
    expect(prompt(14.9, 10)).toBeUndefined();
    expect(prompt(15, 10)).toBe('lag 5 s');
    expect(prompt(16, 10)).toBe('lag 6 s');
    at(20, lost());
    at(40, welcomeEvent({}));
    expect(prompt(44, 10)).toBeUndefined();
    expect(prompt(46, 10)).toBe('lag 6 s');
  });
});

describe('the notices about the connection', () => {
  test('are omitted when the connection is back at once', () => {
    const { sent, at } = story();
    at(0, welcomeEvent({}));
    at(10, lost());
    at(12, lost());
    at(17.9, welcomeEvent({}));
    at(30);
    expect(sent).toStrictEqual([]);
  });

  test('are one line in a long outage, and one line when the client has caught up again', () => {
    const { sent, at } = story();
    at(0, welcomeEvent({}));
    at(10, lost());
    at(17.9);
    expect(sent).toStrictEqual([]);
    at(18);
    at(19);
    at(20, lost());
    expect(sent).toStrictEqual(['offline: gone; reconnecting']);
    at(
      24,
      welcomeEvent({ from: 5, next: 9 }),
      messageEvent({ position: 5 }),
      messageEvent({ position: 6, own: true }),
    );
    expect(sent).toHaveLength(1);
    at(24, messageEvent({ position: 7 }), messageEvent({ position: 7, index: 1 }), {
      type: 'left',
      position: 8,
      nicks: [],
      count: 1,
    });
    expect(sent.slice(1)).toStrictEqual(['back after 14 s, 3 messages caught up']);
  });

  test('count entries lost in a gap as caught up', () => {
    const { sent, at } = story();
    at(0, welcomeEvent({}));
    at(10, lost());
    at(18);
    at(
      20,
      welcomeEvent({ from: 5, next: 9 }),
      { type: 'gap', from: 5, to: 7 },
      messageEvent({ position: 8 }),
    );
    expect(sent.at(-1)).toBe('back after 10 s, 1 message caught up');
  });

  test('appear once for a connection that flaps', () => {
    const { sent, at } = story();
    at(0, welcomeEvent({}));
    at(10, lost());
    at(18);
    at(20, welcomeEvent({}));
    expect(sent).toStrictEqual(['offline: gone; reconnecting', 'back after 10 s']);
    for (const begin of [25, 35, 45]) {
      at(begin, lost());
      at(begin + 6);
      at(begin + 8, welcomeEvent({ from: 1, next: 2 }), messageEvent({ position: 1 }));
      at(begin + 9);
    }
    expect(sent).toHaveLength(2);
    at(62);
    at(63);
    at(64);
    expect(sent.slice(2)).toStrictEqual(['back after 3 interruptions of 24 s in all, 3 messages caught up']);
  });
});

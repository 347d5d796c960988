import { describe, expect, test } from '@jest/globals';
import { linkView } from '../../../src/cli/chat/link.js';
import type { Heard } from '../../../streams/client/conversation.js';
import { message, welcome } from '../../support/heard.js';

const SECOND = 1000;
const lost = (retryMs = 3000): Heard => ({ type: 'offline', reason: 'gone', retryMs, attempt: 1 });

/** A link to which things happen at times, in s; what it says, and what stands in the prompt. */
const story = () => {
  const link = linkView();
  const said: string[] = [];
  const keep = (lines: readonly { readonly text: readonly string[] }[]) => {
    said.push(...lines.map(({ text }) => text.join('\n')));
  };
  return {
    said,
    at: (seconds: number, ...heard: readonly Heard[]) => {
      for (const each of heard) keep(link.hear(each, seconds * SECOND).lines);
      keep(link.due(seconds * SECOND));
    },
    prompt: (seconds: number, oldest?: number) =>
      link.state(seconds * SECOND, oldest === undefined ? undefined : oldest * SECOND),
  };
};

describe('the connection in the prompt', () => {
  test('is nothing where all is well, and counts while it is away', () => {
    const { at, prompt } = story();
    expect(prompt(0)).toBe('connecting');
    at(0, welcome({}));
    expect(prompt(1)).toBeUndefined();
    at(10, lost());
    expect(prompt(10)).toBe('offline 0 s, retry in 3 s');
    expect(prompt(12.4)).toBe('offline 2 s, retry in 1 s');
    expect(prompt(14)).toBe('offline 4 s, trying');
    at(15, lost(9000));
    expect(prompt(20)).toBe('offline 10 s, retry in 4 s');
    expect(prompt(190)).toBe('offline 3 min, trying');
    at(200, welcome({}));
    expect(prompt(200)).toBeUndefined();
  });

  test('is lag where something waits 5 s for its receipt, of which being offline is no part', () => {
    const { at, prompt } = story();
    at(0, welcome({}));
    expect(prompt(14.9, 10)).toBeUndefined();
    expect(prompt(15, 10)).toBe('lag 5 s');
    expect(prompt(16, 10)).toBe('lag 6 s');
    at(20, lost());
    at(40, welcome({}));
    expect(prompt(44, 10)).toBeUndefined();
    expect(prompt(46, 10)).toBe('lag 6 s');
  });
});

describe('what is said of the connection', () => {
  test('is nothing where it is back at once', () => {
    const { said, at } = story();
    at(0, welcome({}));
    at(10, lost());
    at(12, lost());
    at(17.9, welcome({}));
    at(30);
    expect(said).toStrictEqual([]);
  });

  test('is one line once it lasts, and one when it is back and caught up', () => {
    const { said, at } = story();
    at(0, welcome({}));
    at(10, lost());
    at(17.9);
    expect(said).toStrictEqual([]);
    at(18);
    at(19);
    at(20, lost());
    expect(said).toStrictEqual(['offline: gone; trying again']);
    at(24, welcome({ from: 5, next: 9 }), message({ position: 5 }), message({ position: 6, own: true }));
    expect(said).toHaveLength(1);
    at(24, message({ position: 7 }), message({ position: 7, index: 1 }), {
      type: 'left',
      position: 8,
      nicks: [],
      count: 1,
    });
    expect(said.slice(1)).toStrictEqual(['back after 14 s, 3 messages caught up']);
  });

  test('counts what a gap swallowed as caught up with', () => {
    const { said, at } = story();
    at(0, welcome({}));
    at(10, lost());
    at(18);
    at(20, welcome({ from: 5, next: 9 }), { type: 'gap', from: 5, to: 7 }, message({ position: 8 }));
    expect(said.at(-1)).toBe('back after 10 s, 1 message caught up');
  });

  test('is told of once where it comes and goes', () => {
    const { said, at } = story();
    at(0, welcome({}));
    at(10, lost());
    at(18);
    at(20, welcome({}));
    expect(said).toStrictEqual(['offline: gone; trying again', 'back after 10 s']);
    for (const begin of [25, 35, 45]) {
      at(begin, lost());
      at(begin + 6);
      at(begin + 8, welcome({ from: 1, next: 2 }), message({ position: 1 }));
      at(begin + 9);
    }
    expect(said).toHaveLength(2);
    at(62);
    at(63);
    at(64);
    expect(said.slice(2)).toStrictEqual(['back after 3 interruptions of 24 s in all, 3 messages caught up']);
  });
});

import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const exists = (file: string): boolean => existsSync(new URL(`../../${file}`, import.meta.url));

const model = read('docs/threat-model.md');

/** The attackers, with one entry for each thing that they can or cannot do. */
const adversaries = new Map(
  model
    .split(/^###? /m)
    .slice(1)
    .map((section) => {
      const [, can = '', cannot = ''] = section.split(/^\*\*(?:They )?(?:can|cannot)\*\*$/im);
      const entries = (list: string) => list.split(/^- /m).slice(1);
      return [section.split('\n')[0], { can: entries(can), cannot: entries(cannot) }] as const;
    })
    .filter(([, { can, cannot }]) => can.length + cannot.length > 0),
);

const testsOf = (text: string): string[] =>
  Array.from(text.matchAll(/`(test\/[^`]+)`/g), ([, file = '']) => file);

describe('the threat model', () => {
  test('has both lists for each adversary', () => {
    expect([...adversaries.keys()]).toStrictEqual([
      'A network attacker',
      'The relay',
      'The store of several relays',
      'The page server',
      'A member',
      'A removed member',
      'A stolen device',
      'A stolen invite',
      'A removed member of a group room',
      'A stolen invite of a group room',
      'A stolen device of a group room',
      'A malicious member of a group room',
    ]);
    for (const { can, cannot } of adversaries.values()) {
      expect(can.length).toBeGreaterThan(2);
      expect(cannot.length).toBeGreaterThan(1);
    }
  });

  test.each([...adversaries])('says what shows each thing that cannot be done: %s', (_, { cannot }) => {
    expect(
      cannot.filter((entry) => testsOf(entry).length === 0 && !entry.includes('<!-- needs:')),
    ).toStrictEqual([]);
  });

  test('names tests that there are', () => {
    expect(testsOf(model).length).toBeGreaterThan(20);
    // attacks.test.ts runs all programs.
    const isTest = /\.test\.ts$|^test\/attacks\/programs\/\w+\.mjs$/;
    expect(testsOf(model).filter((file) => !isTest.test(file) || !exists(file))).toStrictEqual([]);
  });

  test('and the first pages say what is missing', () => {
    for (const file of ['README.md', 'SECURITY.md', 'docs/threat-model.md']) {
      const text = read(file).replaceAll(/\s+/g, ' ');
      expect(text).toMatch(/no forward secrecy/i);
      expect(text).toMatch(/nobody can be (removed|put out)/i);
      expect(text).toMatch(/audited/i);
    }
    expect(read('README.md')).toContain('(docs/threat-model.md)');
    expect(read('README.md')).toContain('(SECURITY.md)');
  });
});

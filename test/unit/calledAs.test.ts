import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { calledAs } from '../../src/cli/calledAs.js';
import { COMMANDS } from '../../src/cli/commandTable.js';

const src = fileURLToPath(new URL('../../src', import.meta.url));

describe('what to type next', () => {
  test.each([
    [{}, 'rxchat'],
    [{ npm_command: '' }, 'rxchat'],
    [{ npm_command: 'exec' }, 'npx rxchat'],
    [{ npm_command: 'start' }, 'npx rxchat'],
  ])('is called as it was, where npm says so: %j', (environment, name) => {
    expect(calledAs(environment)).toBe(name);
  });

  /** They name the command by its name: what is typed there is not to be typed next, or nobody has called a command. */
  const REFERENCES = /^(cli\/(commandTable|help|manual)\.ts|(cli\/completion|page)\/.*)$/;

  test('is called so in every text but the help, the manual, the completions and the page', () => {
    const named = new RegExp(`rxchat (${COMMANDS.map(({ name }) => name).join('|')}|--help)\\b`);
    const found = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !REFERENCES.test(file))
      .filter((file) => named.test(readFileSync(join(src, file), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '')));
    expect(found).toStrictEqual([]);
  });
});

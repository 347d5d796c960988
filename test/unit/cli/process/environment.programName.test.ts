import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programName } from '../../../../src/cli/process/environment.js';
import { COMMANDS } from '../../../../src/cli/registry.js';

const src = fileURLToPath(new URL('../../../../src', import.meta.url));

describe('programName', () => {
  test.each([
    [{}, 'rxchat'],
    [{ npm_command: '' }, 'rxchat'],
    [{ npm_command: 'exec' }, 'npx rxchat'],
    [{ npm_command: 'start' }, 'npx rxchat'],
  ])('is what npm reports as the call: %j', (environment, name) => {
    expect(programName(environment)).toBe(name);
  });

  /** The reference texts and the page show the command by its plain name. */
  const REFERENCES =
    /^(cli\/(registry|adminRegistry|groupRegistry|storeRegistry|args\/help|args\/manual)\.ts|(cli\/args\/completion|page)\/.*)$/;

  test('is used in every text except the help, the manual, the completions and the page', () => {
    const named = new RegExp(`rxchat (${COMMANDS.map(({ name }) => name).join('|')}|--help)\\b`);
    const found = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !REFERENCES.test(file))
      .filter((file) => named.test(readFileSync(join(src, file), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '')));
    expect(found).toStrictEqual([]);
  });
});

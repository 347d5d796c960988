import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';

interface PlantedFault {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly test: string;
}

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const root = '../../../';
const ATTACKS = 38;
/** The rows of the table: the number of an attack, and the files of its tests. */
const rows = Array.from(
  read('README.md').matchAll(/^\| +(\d+) +\| .* \| +(`[^|]+`) +\|$/gm),
  ([, number, files]) =>
    [number ?? '', Array.from((files ?? '').matchAll(/`([^`]+)`/g), ([, file]) => file ?? '')] as const,
);
const { PLANTED_FAULTS } = (await import(new URL('plantedFaults.mjs', import.meta.url).href)) as {
  readonly PLANTED_FAULTS: readonly PlantedFault[];
};
/** The names of the programs that `attacks.test.ts` runs. */
const { names: programs } = (await import(new URL('../run.mjs', import.meta.url).href)) as {
  readonly names: readonly string[];
};
const PROGRAM = /^test\/attacks\/programs\/(\w+)\.mjs$/;

test('each attack of the table has a test with its number, or a program', () => {
  expect(rows.map(([number]) => Number(number))).toStrictEqual(
    Array.from({ length: ATTACKS }, (_, at) => at + 1),
  );
  for (const [number, files] of rows)
    for (const file of files) {
      const program = PROGRAM.exec(file)?.[1];
      if (program !== undefined) {
        expect(programs).toContain(program);
        continue;
      }
      const source = read(file.includes('/') ? root + file : file);
      const titles = new RegExp(`'(\\d+, )*${number}[:,] `);
      expect([number, file, titles.test(source)]).toStrictEqual([number, file, true]);
    }
});

test.each(PLANTED_FAULTS.map((fault) => [fault.name, fault] as const))(
  'the planted fault fits the sources: %s',
  (_name, { file, from, to, test: testFile }) => {
    expect(read(root + file).split(from)).toHaveLength(2);
    expect(to).not.toBe(from);
    expect(read(root + testFile)).toContain('describe');
  },
);

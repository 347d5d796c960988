import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const markdownIn = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file));
const DOCUMENTS = [...markdownIn('.'), ...markdownIn('docs'), ...markdownIn('docs/adr')];

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const architecture = read('docs/architecture.md');
const FILE = /\b(?:streams|src|test|docs|bench|scripts)\/[\w./-]+\.(?:ts|mjs|md)\b/g;
const filesIn = (text: string): string[] => [...new Set(Array.from(text.matchAll(FILE), ([file]) => file))];

/** Returns the section with this heading, up to the next heading of the same or a higher level. */
const sectionOf = (text: string, heading: string): string => {
  const [, level = '', rest = ''] = new RegExp(`^(#+) ${heading}\\n([^]*)`, 'm').exec(text) ?? [];
  return rest.split(new RegExp(`^#{1,${level.length}} `, 'm'))[0] ?? '';
};
/** Returns the files that the diagrams of a section name. */
const filesInDiagrams = (heading: string): string[] =>
  filesIn(
    Array.from(
      sectionOf(architecture, heading).matchAll(/^```text\n([^]*?)^```/gm),
      ([, text]) => text,
    ).join(),
  );

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
    .replaceAll(' ', '-');
const anchorsOf = (file: string): string[] =>
  Array.from(read(file).matchAll(/^#{1,6} (.*)$/gm), ([, heading = '']) => anchorOf(heading));

describe('docs/architecture.md', () => {
  test('names only files that exist', () => {
    const files = filesIn(architecture);
    expect(files.length).toBeGreaterThan(40);
    expect(files.filter((file) => !existsSync(join(root, file)))).toStrictEqual([]);
  });

  test('shows every folder of streams and src in its tree', () => {
    const tree = sectionOf(architecture, 'The tree');
    const folders = ['streams', 'src'].flatMap((top) =>
      readdirSync(join(root, top), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name),
    );
    expect(folders.filter((name) => !tree.includes(`  ${name}/`))).toStrictEqual([]);
  });

  test.each([
    { heading: 'One message through the relay', most: 16 },
    { heading: 'One message through a client', most: 22 },
  ])('$heading passes at most $most files', ({ heading, most }) => {
    const files = filesInDiagrams(heading);
    expect(files.length).toBeGreaterThan(most / 2);
    expect(files.length).toBeLessThanOrEqual(most);
  });
});

describe('the documents', () => {
  test.each(DOCUMENTS)('%s links only to files and headings that exist', (file) => {
    const broken = Array.from(read(file).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target)
      .filter((target) => !/^\w+:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const linked = path === '' ? file : join(dirname(file), path);
        if (!existsSync(join(root, linked))) return true;
        return anchor !== undefined && linked.endsWith('.md') && !anchorsOf(linked).includes(anchor);
      });
    expect(broken).toStrictEqual([]);
  });

  test.each(DOCUMENTS)('%s names only files that exist', (file) => {
    const withoutLinks = read(file).replaceAll(/\]\([^)\s]*\)/g, ']');
    expect(filesIn(withoutLinks).filter((named) => !existsSync(join(root, named)))).toStrictEqual([]);
  });

  test.each(DOCUMENTS)('%s names only npm scripts that exist', (file) => {
    const named = Array.from(read(file).matchAll(/npm run (?:-\S+ )*([\w:]+)/g), ([, script = '']) => script);
    expect(named.filter((script) => !(script in scripts))).toStrictEqual([]);
  });

  test('the README has at most 150 lines', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150);
  });
});

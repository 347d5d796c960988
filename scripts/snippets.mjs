/**
 * Compiles every TypeScript example: the ```ts blocks of README and docs, and the `@example`s of docblocks in streams
 * and src. Each becomes a module of its own that imports `rxchat` and its parts as a user would.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const out = join(root, '.snippets');

const { exports: entries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const files = (folder, ending) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));

const fenced = (text) => Array.from(text.matchAll(/^```ts\n(.*?)^```/gms), ([, code]) => code);
const examples = (text) =>
  Array.from(text.matchAll(/^ \* @example\n((?: \*.*\n)*?) \*\//gm), ([, block]) =>
    block.replaceAll(/^ \* ?/gm, ''),
  );

const snippets = [
  ...['README.md', 'CONTRIBUTING.md', ...files('docs', '.md')].map((file) => [file, fenced]),
  ...[...files('streams', '.ts'), ...files('src', '.ts')].map((file) => [file, examples]),
].flatMap(([file, find]) =>
  find(readFileSync(join(root, file), 'utf8')).map((code, n) => [
    `${file.replaceAll(/[^\w]/g, '-')}-${n + 1}.ts`,
    code,
  ]),
);

rmSync(out, { recursive: true, force: true });
mkdirSync(out);
for (const [name, code] of snippets) writeFileSync(join(out, name), `${code}\nexport {};\n`);
writeFileSync(
  join(out, 'tsconfig.json'),
  JSON.stringify({
    extends: '../tsconfig.json',
    compilerOptions: {
      rootDir: '..',
      isolatedDeclarations: false,
      declaration: false,
      noUnusedLocals: false,
      paths: Object.fromEntries(
        Object.entries(entries).flatMap(([entry, { types }]) =>
          types === undefined
            ? []
            : [[join('rxchat', entry), [types.replace(/^\.\/dist\/(.*)\.d\.ts$/, '../$1.ts')]]],
        ),
      ),
    },
    files: snippets.map(([name]) => name),
    include: [],
  }),
);
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', out], {
  stdio: 'inherit',
});
rmSync(out, { recursive: true });
console.log(`${snippets.length} snippets compile`);

/**
 * Compiles every TypeScript example: the ```ts blocks of README and docs, and the `@example`s of docblocks in streams
 * and src, and runs those that need no relay. Each becomes a module of its own that imports `rxchat` and its parts as a user would.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { transformSync } from 'esbuild';

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
/**
 * Those that need nothing but the core, or virtual time, are run too; the built package is what they import. The others
 * would open sockets or files, ask Angular, or wait for a relay: they are compiled alone.
 */
const isRunnable = (code) =>
  code.includes("'rxchat/testing'") ||
  Array.from(code.matchAll(/from '([^']+)'/g), ([, name]) => name).every((name) =>
    ['rxjs', 'rxchat/streams', 'node:assert'].includes(name),
  );
const runnable = snippets.filter(([, code]) => isRunnable(code));
const modules = runnable.map(([name, code]) => {
  const file = name.replace(/ts$/, 'mjs');
  writeFileSync(join(out, file), transformSync(code, { loader: 'ts' }).code);
  return file;
});
// All in one process; some have timers that never end, which it does not wait for.
writeFileSync(
  join(out, 'run.mjs'),
  `let failed = 0;
const fail = (error) => {
  failed = 1;
  console.error(current, 'compiles and does not run:', error);
};
let current;
console.log = () => undefined;
process.on('uncaughtException', fail);
for (current of ${JSON.stringify(modules)}) {
  try {
    await import('./' + current);
  } catch (error) {
    fail(error);
  }
  await new Promise(setImmediate);
}
process.exit(failed);
`,
);
try {
  execFileSync(process.execPath, [join(out, 'run.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] });
} catch {
  process.exitCode = 1;
}
rmSync(out, { recursive: true });
console.log(`${snippets.length} snippets compile, ${runnable.length} of them run`);

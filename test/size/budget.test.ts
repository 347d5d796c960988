import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Package {
  readonly exports: Readonly<Record<string, { readonly types?: string }>>;
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(`${ROOT}/${path}`, 'utf8'));

/** The entries of the package, by their sources. */
const entries = Object.fromEntries(
  Object.entries((readJson('package.json') as Package).exports).flatMap(([entry, { types }]) =>
    types === undefined
      ? []
      : [[entry.replace('.', 'rxchat'), types.replace(/^\.\/dist\/(.*)\.d\.ts$/, `${ROOT}/$1.ts`)]],
  ),
);

/** What a program loads later, such as the code of group rooms, is not counted. */
const withoutDynamicImports: Plugin = {
  name: 'without dynamic imports',
  setup: (bundler) => {
    bundler.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};

/** Returns the size in bytes, minified and compressed, of a program that imports this, without RxJS and Node. */
const sizeOf = async (code: string): Promise<number> => {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: ROOT },
    absWorkingDir: ROOT,
    alias: entries,
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    plugins: [withoutDynamicImports],
    external: ['rxjs', 'fernet', 'lmdb', '@scure/bip39', 'ws'],
    logLevel: 'silent',
  });
  return gzipSync(outputFiles[0]!.contents).length;
};

const budget = readJson('test/size/budget.json') as Readonly<Record<string, { code: string; limit: number }>>;

test.each(Object.entries(budget))('%s is within its budget', async (_name, { code, limit }) => {
  const size = await sizeOf(code);
  expect(size).toBeLessThanOrEqual(limit);
  // A budget that is far too large would detect nothing.
  expect(size).toBeGreaterThan(limit * 0.8);
});

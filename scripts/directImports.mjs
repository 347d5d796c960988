/**
 * Replaces imports of an index.ts by imports of the modules that it exports from.
 *
 * esbuild assigns whole files to chunks, and an index file reaches everything that it exports. Without this, what is
 * loaded later would be in the chunk that is loaded first.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const EXPORT = /^export \{([^}]*)\} from '([^']+)';/gms;
const IMPORT = /^import \{([^}]*)\} from '([^']+\/index\.js)';/gms;

/** Returns the names of a list such as `a, type B, c as d` that are values. */
const valuesOf = (list) =>
  list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '' && !item.startsWith('type '));

const sourceOf = (path, from) => resolve(dirname(from), path).replace(/\.js$/, '.ts');

/** Returns the module of each value that an index file exports. */
const readIndex = (path) =>
  new Map(
    [...readFileSync(path, 'utf8').matchAll(EXPORT)].flatMap(([, list, from]) =>
      valuesOf(list).map((name) => [name, sourceOf(from, path)]),
    ),
  );

/** The plugin for esbuild. */
export const directImports = {
  name: 'direct-imports',
  setup: ({ onLoad }) => {
    const indexes = new Map();
    onLoad({ filter: /\/(src|streams)\/.*\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8').replaceAll(IMPORT, (statement, list, from) => {
        const index = sourceOf(from, path);
        if (!indexes.has(index)) indexes.set(index, readIndex(index));
        return valuesOf(list)
          .map((item) => {
            const module = indexes.get(index).get(item.split(' ')[0]);
            if (module === undefined) throw new Error(`${index} does not export ${item} from a module`);
            return `import { ${item} } from ${JSON.stringify(module)};`;
          })
          .join('\n');
      }),
    }));
  },
};

import { readFileSync } from 'node:fs';

/**
 * What `meow` does at once, for a package.json that it reads where it is told of none: `rxchat` tells it. Lists of licenses are
 * among it, and it takes a third of the time of a bare Node's start.
 */
const AT_ONCE = [
  'requireLib$1()',
  'requireNormalize()',
  'getDefaultExportFromCjs(normalizeExports)',
  'promisify(execFile)',
];

/** Leaves out of the command what `meow` needs to read and to check a package.json: two thirds of it. */
export const leanMeow = {
  name: 'lean-meow',
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^\.\/dependencies\.js$/ }, ({ importer }) =>
      /[\\/]meow[\\/]build[\\/]options\.js$/.test(importer)
        ? { path: 'untold', namespace: 'lean-meow' }
        : undefined,
    );
    // By the names that they have in there.
    onLoad({ filter: /.*/, namespace: 'lean-meow' }, () => ({
      contents:
        'const untold = () => { throw new Error("meow was told of no package"); }; export { untold as a, untold as n };',
    }));
    onLoad({ filter: /[\\/]meow[\\/]build[\\/]dependencies\.js$/ }, ({ path }) => {
      let contents = readFileSync(path, 'utf8');
      for (const call of AT_ONCE) {
        const parts = contents.split(`${call};\n`);
        if (parts.length !== 2)
          throw new Error(`meow has another shape: ${call} is there ${parts.length - 1} times`);
        contents = parts.join(`/* @__PURE__ */ ${call};\n`);
      }
      return { contents };
    });
  },
};

/**
 * Compiles every TypeScript example: the ```ts blocks of README and docs, and the `@example`s of docblocks in streams and
 * src. Runs all but those with a reason not to. Each becomes a module that imports `rxchat` and its parts as a user would.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { transformSync } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const out = join(root, '.snippets');

const { exports: entries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const files = (folder, ending) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));

/** Why an example is only compiled, by its file, and by its heading or its number if the file has several. */
const COMPILED_ONLY = {
  'README.md#embed-it': 'sends a message every second for ever, to a relay',
  'docs/embedding.md#a-session': 'waits for a relay',
  'docs/embedding.md#a-durable-relay-and-its-shutdown': 'opens a store and a port',
  'docs/embedding.md#angular': 'needs the compiler of Angular, which examples/angular loads',
  'src/identity/openIdentity.ts': 'makes a file in a home',
  'src/relay/relay.ts': 'listens on a port',
  'src/node/nodePlatform.ts': 'waits for a relay',
  'src/node/nodePlatform.ts-2': 'waits for a relay',
};

const slug = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w ]/g, '')
    .replaceAll(' ', '-');
/** Returns the examples of a text, each with the heading above it. A `#` inside another code block is not a heading. */
const fenced = (text) => {
  let heading = '';
  return Array.from(text.matchAll(/^```(\w*)\n(.*?)^```|^#+ ([^\n]+)$/gms), ([, language, code, title]) => {
    if (title !== undefined) heading = `#${slug(title)}`;
    return language === 'ts' ? [heading, code] : undefined;
  }).filter((each) => each !== undefined);
};
const examples = (text, file) => {
  const blocks = Array.from(text.matchAll(/^ \* @example\n((?: \*.*\n)*?) \*\//gm), ([, block]) => block);
  if (blocks.length !== text.split('@example').length - 1)
    throw new Error(`${file}: an @example has a line without " * ", so it would not be compiled`);
  return blocks.map((block) => ['', block.replaceAll(/^ \* ?/gm, '')]);
};

/** Numbers examples at the same place, except the first. */
const places = new Map();
const numbered = (place) => {
  const count = (places.get(place) ?? 0) + 1;
  places.set(place, count);
  return count === 1 ? place : `${place}-${count}`;
};

/** Reports of the API have declarations, which are no examples. */
const documents = files('docs', '.md').filter((file) => !file.startsWith('docs/api/'));

const snippets = [
  ...['README.md', 'CONTRIBUTING.md', ...documents].map((file) => [file, fenced]),
  ...[...files('streams', '.ts'), ...files('src', '.ts')].map((file) => [file, examples]),
].flatMap(([file, find]) =>
  find(readFileSync(join(root, file), 'utf8'), file).map(([heading, code]) => {
    const place = numbered(file + heading);
    return { place, folder: dirname(file), code, name: `${place.replaceAll(/[^\w]/g, '-')}.ts` };
  }),
);

/** An example of an internal function imports it from its own file, `./file.js`. */
const importsUnder = (base, { code, folder }) =>
  code.replaceAll(/from '(\.[^']+)'/g, (_, path) => `from '${join('..', base, folder, path)}'`);

rmSync(out, { recursive: true, force: true });
mkdirSync(out);
for (const snippet of snippets)
  writeFileSync(join(out, snippet.name), `${importsUnder('.', snippet)}\nexport {};\n`);
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
    files: snippets.map(({ name }) => name),
    include: [],
  }),
);
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', out], {
  stdio: 'inherit',
});
/** Entries that contain only the core and virtual time. An example that imports only these can run anywhere. */
const HARMLESS = ['rxjs', 'rxchat/streams', 'rxchat/testing', 'node:assert'];
const isHarmless = ({ code, folder }) =>
  Array.from(code.matchAll(/from '([^']+)'/g), ([, name]) => name).every(
    (name) => HARMLESS.includes(name) || (name.startsWith('.') && folder.startsWith('streams')),
  );

const faults = [];
for (const place of Object.keys(COMPILED_ONLY)) {
  const found = snippets.find((each) => each.place === place);
  if (found === undefined) faults.push(`${place}: there is no such example; remove its reason`);
  else if (isHarmless(found)) faults.push(`${place}: could be run, and is not; remove its reason`);
}

const run = snippets.filter(({ place }) => COMPILED_ONLY[place] === undefined);
for (const snippet of run)
  writeFileSync(
    join(out, snippet.name.replace(/ts$/, 'mjs')),
    transformSync(importsUnder('dist', snippet), { loader: 'ts' }).code,
  );
// All run in one process, which does not wait for timers that never end.
writeFileSync(
  join(out, 'run.mjs'),
  `import { appendFileSync } from 'node:fs';
import { Server, Socket } from 'node:net';
let current;
const fail = (error) => {
  process.exitCode = 1;
  console.error(current, 'compiles and does not run:', error);
};
Socket.prototype.connect = Server.prototype.listen = () => {
  fail('it opens a socket; give a reason why it is only compiled');
  throw new Error('no sockets here');
};
console.log = () => undefined;
process.on('uncaughtException', fail);
for (current of ${JSON.stringify(run.map(({ name }) => name))}) {
  try {
    await import('./' + current.replace(/ts$/, 'mjs'));
  } catch (error) {
    fail(error);
  }
  await new Promise(setImmediate);
  appendFileSync(${JSON.stringify(join(out, 'ran'))}, current + '\\n');
}
process.exit();
`,
);
try {
  execFileSync(process.execPath, [join(out, 'run.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] });
} catch {
  process.exitCode = 1;
}
const ran = existsSync(join(out, 'ran')) ? readFileSync(join(out, 'ran'), 'utf8').split('\n') : [];
for (const { place, name } of run) if (!ran.includes(name)) faults.push(`${place}: was not run`);
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
rmSync(out, { recursive: true });
console.log(`${snippets.length} snippets compile, ${run.length} of them run`);

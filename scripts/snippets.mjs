/**
 * Compiles every TypeScript example: the ```ts blocks of README and docs, and the `@example`s of docblocks in streams and
 * src. Runs all but those with a reason not to. Each becomes a module that imports `rxchat` and its parts as a user would.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
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
  'README.md#in-your-own-program': 'says something every second for ever, to a relay',
  'docs/embedding.md#a-session': 'waits for a relay',
  'docs/embedding.md#a-durable-relay-and-its-end': 'opens a store and a port',
  'docs/embedding.md#angular': 'needs the compiler of Angular, which examples/angular loads',
  'src/connect.ts': 'waits for a relay',
  'src/identity/identity.ts': 'makes a file in a home',
  'src/relay.ts': 'listens on a port',
  'src/room.ts': 'waits for a relay',
};

const slug = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w ]/g, '')
    .replaceAll(' ', '-');
/** The examples of a text, each with the heading above it. A `#` within another block is none. */
const fenced = (text) => {
  let heading = '';
  return Array.from(text.matchAll(/^```(\w*)\n(.*?)^```|^#+ ([^\n]+)$/gms), ([, language, code, title]) => {
    if (title !== undefined) heading = `#${slug(title)}`;
    return language === 'ts' ? [heading, code] : undefined;
  }).filter((each) => each !== undefined);
};
const examples = (text) =>
  Array.from(text.matchAll(/^ \* @example\n((?: \*.*\n)*?) \*\//gm), ([, block]) => [
    '',
    block.replaceAll(/^ \* ?/gm, ''),
  ]);

/** Of several examples at the same place each but the first has a number. */
const places = new Map();
const numbered = (place) => {
  const count = (places.get(place) ?? 0) + 1;
  places.set(place, count);
  return count === 1 ? place : `${place}-${count}`;
};

const snippets = [
  ...['README.md', 'CONTRIBUTING.md', ...files('docs', '.md')].map((file) => [file, fenced]),
  ...[...files('streams', '.ts'), ...files('src', '.ts')].map((file) => [file, examples]),
].flatMap(([file, find]) =>
  find(readFileSync(join(root, file), 'utf8')).map(([heading, code]) => {
    const place = numbered(file + heading);
    return { place, code, name: `${place.replaceAll(/[^\w]/g, '-')}.ts` };
  }),
);

rmSync(out, { recursive: true, force: true });
mkdirSync(out);
for (const { name, code } of snippets) writeFileSync(join(out, name), `${code}\nexport {};\n`);
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
/** These give nothing but the core and virtual time, so what imports nothing else can run anywhere. */
const HARMLESS = ['rxjs', 'rxchat/streams', 'rxchat/testing', 'node:assert'];
const isHarmless = (code) =>
  Array.from(code.matchAll(/from '([^']+)'/g), ([, name]) => name).every((name) => HARMLESS.includes(name));

const faults = [];
for (const place of Object.keys(COMPILED_ONLY)) {
  const found = snippets.find((each) => each.place === place);
  if (found === undefined) faults.push(`${place}: there is no such example; remove its reason`);
  else if (isHarmless(found.code)) faults.push(`${place}: could be run, and is not; remove its reason`);
}

const run = snippets.filter(({ place }) => COMPILED_ONLY[place] === undefined);
for (const { name, code } of run)
  writeFileSync(join(out, name.replace(/ts$/, 'mjs')), transformSync(code, { loader: 'ts' }).code);
// All in one process; some have timers that never end, which it does not wait for.
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

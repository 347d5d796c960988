import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cleanEnv } from './child.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const execute = promisify(execFile);

/** Runs a program of ours or of npm to its end, and gives what it printed; rejects with all of that where it fails. */
export const runIn = async (cwd: string, program: string, ...args: readonly string[]): Promise<string> => {
  const env = { ...cleanEnv(), npm_config_update_notifier: 'false' };
  const { stdout } = await execute(program, args, { cwd, env, maxBuffer: 16_777_216 }).catch(
    (error: unknown) => {
      const {
        message,
        stdout: said,
        stderr,
      } = error as { message: string; stdout?: string; stderr?: string };
      throw new Error(`${message}\n${said ?? ''}\n${stderr ?? ''}`);
    },
  );
  return stdout;
};

/** A tool of the development dependencies. */
export const tool = (path: string): string => join(ROOT, 'node_modules', path);

/** A directory that stays for a whole file of tests. */
export interface Place {
  readonly path: string;
  readonly remove: () => void;
}

export const newPlace = (): Place => {
  const path = mkdtempSync(join(tmpdir(), 'rxchat-package-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};

/** The package as npm would publish it, of what was built; gives the path of the tarball. */
export const pack = async (to: string): Promise<string> => {
  const told = await runIn(ROOT, 'npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', to);
  const [{ filename }] = JSON.parse(told) as [{ filename: string }];
  return join(to, filename);
};

/** Installs packages into a directory, out of npm's cache where it has them. */
export const install = (cwd: string, ...packages: readonly string[]): Promise<string> =>
  runIn(
    cwd,
    'npm',
    ...['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', ...packages],
  );

/** A new directory with a package.json in it. */
export const newProject = (more: Readonly<Record<string, unknown>> = {}): Place => {
  const place = newPlace();
  writeFileSync(
    join(place.path, 'package.json'),
    JSON.stringify({ name: 'project', private: true, type: 'module', ...more }),
  );
  return place;
};

/** The examples in TypeScript. */
export const EXAMPLES: readonly string[] = readdirSync(join(ROOT, 'examples'), { withFileTypes: true })
  .filter((each) => each.isDirectory() && each.name !== 'python')
  .map(({ name }) => name);

/** Copies of the examples, as one project in which each has what its package.json asks for, and the tarball. */
export const installExamples = async (tarball: string): Promise<Place> => {
  const place = newProject({ workspaces: EXAMPLES });
  for (const name of EXAMPLES) {
    cpSync(join(ROOT, 'examples', name), join(place.path, name), { recursive: true });
    const path = join(place.path, name, 'package.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { dependencies: Record<string, string> };
    manifest.dependencies['rxchat'] = `file:${tarball}`;
    writeFileSync(path, JSON.stringify(manifest));
  }
  await install(place.path);
  return place;
};

/** Compiles what is in a project as its user would, in the strictest way. */
export const compile = async (cwd: string, more: Readonly<Record<string, unknown>> = {}): Promise<void> => {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022', 'dom'],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    experimentalDecorators: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [tool('@types')],
    ...more,
  };
  writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['.'] }));
  await runIn(cwd, process.execPath, tool('typescript/bin/tsc'), '-p', '.');
};

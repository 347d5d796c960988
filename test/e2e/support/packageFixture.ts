import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cleanEnv } from './child.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const execute = promisify(execFile);

/** Runs a program until it exits, and returns its output. Rejects with all of its output if it fails. */
export const runProgram = async (
  cwd: string,
  program: string,
  ...args: readonly string[]
): Promise<string> => {
  const env = { ...cleanEnv(), npm_config_update_notifier: 'false' };
  const { stdout } = await execute(program, args, { cwd, env, maxBuffer: 16_777_216 }).catch(
    (error: unknown) => {
      const {
        message,
        stdout: sent,
        stderr,
      } = error as { message: string; stdout?: string; stderr?: string };
      throw new Error(`${message}\n${sent ?? ''}\n${stderr ?? ''}`);
    },
  );
  return stdout;
};

/** Returns the path of a tool in the development dependencies. */
export const devTool = (path: string): string => join(ROOT, 'node_modules', path);

/** A directory that exists for all tests of a file. */
export interface TempProject {
  readonly path: string;
  readonly remove: () => void;
}

export const tempProject = (): TempProject => {
  const path = mkdtempSync(join(tmpdir(), 'rxchat-package-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};

/** Packs the build as npm would publish it, and returns the path of the tarball. */
export const pack = async (to: string): Promise<string> => {
  const reported = await runProgram(
    ROOT,
    'npm',
    'pack',
    '--ignore-scripts',
    '--json',
    '--pack-destination',
    to,
  );
  const [{ filename }] = JSON.parse(reported) as [{ filename: string }];
  return join(to, filename);
};

/** Installs packages into a directory, from npm's cache if possible. */
export const install = (cwd: string, ...packages: readonly string[]): Promise<string> =>
  runProgram(
    cwd,
    'npm',
    ...['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'],
    // A request that stalls is sent again, long before the test times out.
    ...['--fetch-timeout=30000', '--fetch-retries=5', '--fetch-retry-mintimeout=1000', ...packages],
  );

/** Creates a directory with a package.json. */
export const tempPackage = (more: Readonly<Record<string, unknown>> = {}): TempProject => {
  const place = tempProject();
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

/** Copies the examples into one project, and installs their dependencies and the tarball. */
export const installExamples = async (tarball: string): Promise<TempProject> => {
  const place = tempPackage({ workspaces: EXAMPLES });
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

/** Compiles a project with the strictest options. */
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
    typeRoots: [devTool('@types')],
    ...more,
  };
  writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['.'] }));
  await runProgram(cwd, process.execPath, devTool('typescript/bin/tsc'), '-p', '.');
};

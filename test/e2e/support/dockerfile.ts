import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** An image: its files, and what containers of it execute. */
export interface Image {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workDir: string;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
  readonly volumes: readonly string[];
}

export interface DockerOptions {
  /** Creates the root of a base image. */
  readonly pull: (image: string) => string;
  /** Runs a shell command in an image, in its directory and with its environment. */
  readonly run: (image: Image, command: string) => void;
  /** The directory of what COPY takes. */
  readonly context: string;
}

type Instruction = readonly [name: string, rest: string];

/** Returns the instructions of a Dockerfile. */
const parse = (text: string): readonly Instruction[] =>
  text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line): Instruction => {
      const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      return [name, rest];
    });

/** Copies as COPY does: of a directory its contents, and of a file the file. */
const copyInto = (image: Image, from: string, args: readonly string[]): void => {
  const target = args.at(-1) ?? '';
  const dir = join(image.root, target.startsWith('/') ? target : join(image.workDir, target));
  for (const source of args.slice(0, -1)) {
    const path = join(from, source);
    const isDir = statSync(path).isDirectory();
    mkdirSync(dir, { recursive: true });
    for (const name of isDir ? readdirSync(path) : [''])
      cpSync(join(path, name), join(dir, isDir ? name : source), { recursive: true, verbatimSymlinks: true });
  }
};

const parseList = (text: string): readonly string[] => JSON.parse(text) as string[];

/**
 * Executes a Dockerfile without Docker, and returns the image of its last stage. It knows the instructions that ours has, and
 * throws on any other.
 */
export const buildImage = (text: string, { pull, run, context }: DockerOptions): Image => {
  const args: Record<string, string> = {};
  const stages: Image[] = [];
  const names: string[] = [];
  const replaceArgs = (value: string): string =>
    value.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => args[name] ?? '');
  const change = (part: Partial<Image>): void => {
    const stage = stages.pop();
    if (stage === undefined) throw new Error('no FROM before');
    stages.push({ ...stage, ...part });
  };
  const execute: Readonly<Record<string, (rest: string) => void>> = {
    ARG: (rest) => {
      const [name = '', value = ''] = rest.split('=');
      args[name] = value;
      const stage = stages.at(-1);
      if (stage !== undefined) change({ env: { ...stage.env, [name]: value } });
    },
    FROM: (rest) => {
      const [image = '', , name = ''] = replaceArgs(rest).split(/\s+/);
      names.push(name);
      stages.push({
        root: pull(image),
        env: {},
        workDir: '/',
        user: '0:0',
        entrypoint: [],
        command: [],
        healthcheck: [],
        volumes: [],
      });
    },
    WORKDIR: (rest) => {
      change({ workDir: rest });
      mkdirSync(join(stages.at(-1)?.root ?? '', rest), { recursive: true });
    },
    COPY: (rest) => {
      const stage = stages.at(-1)!;
      const [first = '', ...more] = rest.split(/\s+/);
      const from = /^--from=(.*)$/.exec(first)?.[1];
      if (from === undefined) copyInto(stage, context, [first, ...more]);
      else copyInto(stage, stages[names.indexOf(from)]!.root, more);
    },
    RUN: (rest) => run(stages.at(-1)!, rest),
    USER: (user) => change({ user }),
    VOLUME: (rest) => change({ volumes: [rest] }),
    EXPOSE: () => undefined,
    HEALTHCHECK: (rest) => change({ healthcheck: parseList(rest.slice(rest.indexOf('['))) }),
    ENTRYPOINT: (rest) => change({ entrypoint: parseList(rest) }),
    CMD: (rest) => change({ command: parseList(rest) }),
  };
  for (const [name, rest] of parse(text)) {
    const step = execute[name];
    if (step === undefined) throw new Error(`unknown instruction ${name}`);
    step(rest);
  }
  return stages.at(-1)!;
};

/** Copies what git has, and what the ignore file of an image does not exclude: it excludes all, and then names exceptions. */
export const copyContext = (root: string, ignoreFile: string, target: string): void => {
  const [all, ...exceptions] = readFileSync(ignoreFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (all !== '*' || exceptions.some((line) => !/^![\w.-]+$/.test(line)))
    throw new Error(`${ignoreFile} does not have the expected form`);
  const included = exceptions.map((line) => line.slice(1));
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...included];
  for (const path of execFileSync('git', list, { cwd: root, encoding: 'utf8' }).trim().split('\n')) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(join(root, path), join(target, path));
  }
};

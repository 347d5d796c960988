import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The earlier version: a commit whose relays and clients have to work beside those of this version. */
const COMMIT = 'c5f18d2213eadb6ba9e03e95f38636d464e4a167';
const CACHE = join(ROOT, 'node_modules/.cache/earlier-version');

/** Whether the repository contains the earlier version. A package or a shallow clone does not. */
export const hasEarlierVersion = (): boolean => {
  try {
    execFileSync('git', ['cat-file', '-e', `${COMMIT}^{commit}`], { cwd: ROOT, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Builds the command of the earlier version, unless that was done. Returns the path of its launcher. */
export const buildEarlierVersion = (): string => {
  const target = join(CACHE, COMMIT);
  const launcher = join(target, 'dist/bin/rxchat.js');
  if (existsSync(launcher)) return launcher;
  mkdirSync(CACHE, { recursive: true });
  const dir = mkdtempSync(join(CACHE, 'build-'));
  try {
    const archive = execFileSync('git', ['archive', COMMIT], { cwd: ROOT, maxBuffer: 256 * 1024 * 1024 });
    execFileSync('tar', ['-x', '-C', dir], { input: archive });
    symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
    execFileSync(process.execPath, [join(dir, 'scripts/build.mjs')], { cwd: dir, stdio: 'pipe' });
    renameSync(dir, target);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return join(dirname(launcher), 'rxchat.js');
};

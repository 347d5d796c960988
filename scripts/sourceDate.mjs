import { spawnSync } from 'node:child_process';

/**
 * Returns the date of the sources, which everything that is built bears, so that the same sources give the same bytes:
 * SOURCE_DATE_EPOCH, or that of the last commit. Without both it is today.
 */
export const sourceDate = (root) => {
  const seconds =
    process.env.SOURCE_DATE_EPOCH ??
    spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).stdout?.trim();
  return seconds ? new Date(Number(seconds) * 1000) : new Date();
};

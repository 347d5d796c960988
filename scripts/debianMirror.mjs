import { execFileSync } from 'node:child_process';

/** Returns the mirror of Debian that this machine uses. Throws if apt has no such source. */
export const findMirror = () => {
  const format = '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)';
  const args = ['indextargets', '--format', format, 'Created-By: Packages'];
  const lines = execFileSync('apt-get', args, { encoding: 'utf8' }).split('\n');
  const mirror = lines.find((line) => line.startsWith('Debian|Debian|main|'))?.split('|')[3];
  if (mirror === undefined) throw new Error('apt has no mirror of Debian');
  return mirror;
};

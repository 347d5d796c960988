import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listPackages } from './dependencies.mjs';

/** Returns the text of a package's licence: its files, or what its readme says. */
const licenceText = (dir) => {
  const names = readdirSync(dir).sort();
  const files = names.filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
  if (files.length > 0) return files.map((name) => readFileSync(join(dir, name), 'utf8').trim()).join('\n\n');
  const readme = names.find((name) => /^readme/i.test(name));
  const text = readme === undefined ? '' : readFileSync(join(dir, readme), 'utf8');
  return /^#+\s*licen[cs]e[^\n]*\n(.*?)(?=\n#|$(?![^]))/ims.exec(text)?.[1]?.trim() ?? '';
};

/** The licence of a package whose manifest names none. The text is in its readme. */
const UNNAMED = { 'urlsafe-base64': 'MIT' };

/** Returns the installed packages, each with the SPDX name and the text of its licence. Throws if one has neither. */
export const listLicences = (installed) =>
  listPackages(installed).map(({ name, version, license = UNNAMED[name], dir }) => {
    if (license === undefined) throw new Error(`${name}@${version} has no licence`);
    return { name, version, license, text: licenceText(dir) };
  });

/** Returns one document with the licences of all installed packages. Packages with the same text share it. */
export const formatLicences = (installed) => {
  const titles = new Map();
  for (const { name, version, license, text } of listLicences(installed))
    titles.set(text, [...(titles.get(text) ?? []), `${name} ${version} (${license})`]);
  const chapters = [...titles].map(
    ([text, names]) => `${names.join('\n')}\n\n${text || 'The packages contain no further text.'}`,
  );
  return `${chapters.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
};

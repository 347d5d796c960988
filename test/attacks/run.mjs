/**
 * Runs the attacks of `programs/` against the built command and prints a table in Markdown. Exits with 1 if one succeeds.
 *
 *   npm run trials -- [NAME …]
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Scene } from './product.mjs';

const folder = join(import.meta.dirname, 'programs');

/** The names of all attacks. */
export const names = readdirSync(folder)
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length))
  .sort();

/** Runs one attack. Resolves with its title, its attacker and the outcome; rejects if it succeeds. */
export const attack = async (name) => {
  const { default: program } = await import(pathToFileURL(join(folder, `${name}.mjs`)).href);
  const scene = new Scene();
  try {
    return { ...program, seen: await program.run(scene) };
  } finally {
    await scene.end();
  }
};

if (process.argv[1] === import.meta.filename) {
  const wanted = process.argv.slice(2);
  console.log('| attack | by | outcome |\n| --- | --- | --- |');
  for (const name of wanted.length > 0 ? wanted : names) {
    try {
      const { title, attacker, seen } = await attack(name);
      console.log(`| ${title} | ${attacker} | ${seen} |`);
    } catch (error) {
      process.exitCode = 1;
      console.log(
        `| ${name} | | **SUCCEEDED**: ${String(error.message).split('\n').slice(0, 6).join(' ⏎ ')} |`,
      );
    }
  }
}

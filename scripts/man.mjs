/** Writes the manual page man/rxchat.1 from the table of commands in the build. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { COMMANDS } from '../dist/src/cli/registry.js';
import { manual } from '../dist/src/cli/args/manual.js';

const root = resolve(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'));
// With SOURCE_DATE_EPOCH, the same sources make the same page.
const { SOURCE_DATE_EPOCH } = process.env;
const day = SOURCE_DATE_EPOCH === undefined ? new Date() : new Date(Number(SOURCE_DATE_EPOCH) * 1000);

mkdirSync(resolve(root, 'man'), { recursive: true });
writeFileSync(resolve(root, 'man/rxchat.1'), manual(COMMANDS, version, day));

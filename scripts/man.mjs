/** Writes the manual page man/rxchat.1 from the table of commands in the build. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { COMMANDS } from '../dist/src/cli/registry.js';
import { manual } from '../dist/src/cli/args/manual.js';
import { sourceDate } from './sourceDate.mjs';

const root = resolve(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'));

mkdirSync(resolve(root, 'man'), { recursive: true });
writeFileSync(resolve(root, 'man/rxchat.1'), manual(COMMANDS, version, sourceDate(root)));

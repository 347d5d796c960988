#!/usr/bin/env node
import { writeSync } from 'node:fs';
import module from 'node:module';

/** Written in by the build. */
declare const RXCHAT_VERSION: string;

const argv = process.argv.slice(2);

// An invite, or a message, is not to be read in the list of processes for as long as this runs.
process.title = 'rxchat';

/**
 * Answered before anything is loaded, for scripts that ask often: without `process.stdout`, which takes a fifth of the
 * time of a bare Node to set up. Whether that could be done.
 */
const saysVersion = (): boolean => {
  const line = `${RXCHAT_VERSION}\n`;
  try {
    return writeSync(1, line) === line.length;
  } catch {
    // The long way tells why.
    return false;
  }
};

if (argv.length !== 1 || argv[0] !== '--version' || !saysVersion()) {
  // Since Node 22.8; on older ones there is no cache to enable.
  (module as { enableCompileCache?: () => void }).enableCompileCache?.();
  void import('../cli/main.js').then(
    ({ main }) => main(argv, RXCHAT_VERSION),
    (error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
      writeSync(2, 'rxchat: it is not built, or not yet: npm ci && npm run build\n');
      process.exitCode = 1;
    },
  );
}

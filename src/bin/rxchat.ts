#!/usr/bin/env node
import { writeSync } from 'node:fs';
import module from 'node:module';

/** Defined by the build. */
declare const RXCHAT_VERSION: string;

const argv = process.argv.slice(2);

// Hides invites and messages in the arguments from the list of processes.
process.title = 'rxchat';

/**
 * Prints the version before anything else is loaded, and returns whether that worked. Scripts ask often, and
 * setting up `process.stdout` takes a fifth of the start time of a bare Node.
 */
const printVersion = (): boolean => {
  const line = `${RXCHAT_VERSION}\n`;
  try {
    return writeSync(1, line) === line.length;
  } catch {
    // The regular path reports the reason.
    return false;
  }
};

if (argv.length !== 1 || argv[0] !== '--version' || !printVersion()) {
  // Available since Node 22.8.
  (module as { enableCompileCache?: () => void }).enableCompileCache?.();
  void import('../cli/main.js').then(
    ({ main }) => main(argv, RXCHAT_VERSION),
    (error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
      writeSync(2, 'rxchat: not built yet; run npm ci && npm run build\n');
      process.exitCode = 1;
    },
  );
}

#!/usr/bin/env node
import module from 'node:module';

/** Written in by the build. */
declare const RXCHAT_VERSION: string;

const argv = process.argv.slice(2);

if (argv.length === 1 && argv[0] === '--version') {
  process.stdout.once(
    'error',
    (error: Error) =>
      void import('../cli/process.js').then(({ tellOutputFailure }) => tellOutputFailure(error)),
  );
  // Answered before anything is loaded, for scripts that ask often.
  process.stdout.write(`${RXCHAT_VERSION}\n`);
} else {
  // Since Node 22.8; on older ones there is no cache to enable.
  (module as { enableCompileCache?: () => void }).enableCompileCache?.();
  const { main } = await import('../cli/main.js');
  await main(argv, RXCHAT_VERSION);
}

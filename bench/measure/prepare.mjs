/** Builds the programs in C, and finds the installed peers. */
import { buildGenerator, buildRelay, workDirectory } from './build.mjs';
import { canPin, pinSelf } from './cores.mjs';

/**
 * @returns the directory of the bench, the versions of the peers by name, and the peers that are missing, each with how to
 *   install it
 */
export const prepare = (peers, { parent, log, pins = true }) => {
  if (process.platform !== 'linux') throw new Error('the load generator is for Linux alone');
  // Otherwise the running server and the directory would outlive an interrupted bench.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  const directory = workDirectory(parent);
  buildGenerator(directory);
  buildRelay(directory);
  if (canPin && pins) pinSelf();
  else if (pins)
    log('NOT PINNED: no taskset, or not two cores: server and load generator take time from each other');

  const found = [...new Set(peers)].map((peer) => ({ peer, version: peer.version() }));
  const missing = found
    .filter(({ version }) => version === undefined)
    .map(({ peer }) => `${peer.name} (${peer.install})`);
  for (const one of missing) log(`MISSING ${one}`);
  const versions = Object.fromEntries(
    found.filter(({ version }) => version !== undefined).map(({ peer, version }) => [peer.name, version]),
  );
  return { directory, versions, missing };
};

import { SERVER_CORE } from './cores.mjs';
import { generate } from './generate.mjs';
import { untilQuiet } from './quiet.mjs';
import { withServer } from './server.mjs';

/** Runs a server of its own with the load generator and `options`. An error is a result. */
export const runOnce = (peer, work, options, directory) =>
  withServer(peer, { directory, work, core: SERVER_CORE }, (server) =>
    generate(directory, server, peer, options),
  ).catch((error) => ({ ok: false, fault: error.message }));

export const outcome = ({ ok, fault }) => (ok ? 'ok' : (fault ?? 'did not keep up'));

/**
 * Runs each row with each of its peers, and repeats all of it, so that other work on the machine affects all peers.
 * Before each run it waits at most `quiet` seconds for other work to end. No run is discarded.
 *
 * @param {{ measure: (peer: object, work: object) => Promise<object>, onRun?: (all: object[]) => void }} options
 *   `measure` resolves with a run; `onRun` gets all results after each round
 * @returns `[{ row, results: [{ name, runs }] }]`; fewer runs than asked for where the deadline came first
 */
export const interleave = async (rows, { measure, runs, deadline = Infinity, quiet, log, onRun }) => {
  const all = rows.map((row) => ({ row, results: row.peers.map(({ name }) => ({ name, runs: [] })) }));
  for (let run = 1; run <= runs; run += 1) {
    for (const { row, results } of all)
      for (const [place, peer] of row.peers.entries()) {
        if (performance.now() > deadline) {
          log(`the time is over in run ${run} of ${runs}`);
          return all;
        }
        await untilQuiet(quiet);
        const result = await measure(peer, row.work);
        results[place].runs.push(result);
        log(`${run}/${runs} ${row.id} ${peer.name}: ${outcome(result)}`);
      }
    onRun?.(all);
  }
  return all;
};

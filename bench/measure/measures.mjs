/** What a run of the load generator says, as the figures that are compared. `better` is the way in which rxchat wants it. */

const good = (run) => run?.ok === true;
const behind = (run) => run?.fault === null && run?.arrived === false;
const of = (figure) => (run) => (good(run) || behind(run) ? figure(run) : undefined);
/** Of what never arrived no latency is known, and the rest would look better than it was. */
const ofAll = (figure) => (run) => (good(run) ? figure(run) : undefined);

export const deliveries = {
  name: 'deliveries/s',
  better: 'more',
  of: of((run) => run.deliveries / run.seconds),
};
export const cpu = {
  name: 'CPU s per million',
  better: 'less',
  of: of((run) => (run.deliveries > 0 ? (run.serverCpu / run.deliveries) * 1e6 : undefined)),
};
export const p50 = { name: 'p50 ms', better: 'less', of: ofAll((run) => run.p50) };
export const p99 = { name: 'p99 ms', better: 'less', of: ofAll((run) => run.p99) };
export const joinCpu = { name: 'CPU s to join', better: 'less', of: of((run) => run.joinCpu) };
export const joinSeconds = { name: 's to join', better: 'less', of: of((run) => run.joinSeconds) };
export const memory = (clients) => ({
  name: 'KiB a client',
  better: 'less',
  of: of((run) => (run.memoryJoined - run.memoryBefore) / clients),
});

/** By the kind of row: the measures it shows, the first of which it is about. */
export const measuresOf = ({ kind, work }) =>
  ({
    throughput: [cpu, deliveries],
    latency: [p99, p50, deliveries],
    cpu: [cpu, p99],
    join: [joinCpu, memory(work.subscribers * (work.rooms ?? 1)), joinSeconds],
  })[kind];

/** Below that share of idle time the generator had no time to spare, and the server might have done more. */
const HARDLY_IDLE = 0.05;

/** What has to be said beside a peer's figures. */
export const remarksOn = (runs) => {
  const failed = runs.filter((run) => !good(run) && !behind(run));
  const late = runs.filter(behind);
  return [
    ...(failed.length > 0 ? [`${failed.length} of ${runs.length} runs WRONG: ${failed[0].fault}`] : []),
    ...(late.length > 0 ? [`did not keep up in ${late.length} of ${runs.length} runs`] : []),
    ...(runs.some((run) => run.totalOrder === false) ? ['no total order'] : []),
    ...(runs.some((run) => good(run) && run.seconds > 0.1 && run.idleShare < HARDLY_IDLE)
      ? ['the generator was the limit: deliveries/s are a floor']
      : []),
  ];
};

/** What the machine did besides: a generator that is never idle was the limit; other work disturbs. */
export const disturbance = (runs) => {
  const measured = runs.filter((run) => good(run) && run.seconds > 0.1);
  const worst = (name) => Math.max(0, ...measured.map((run) => run[name]));
  return {
    idle: measured.length > 0 ? Math.min(...measured.map((run) => run.idleShare)) : undefined,
    other: measured.length > 0 ? Math.max(worst('otherOnServerCore'), worst('otherOnOwnCore')) : undefined,
  };
};

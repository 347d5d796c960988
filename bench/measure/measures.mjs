/** The compared figures of a run of the load generator. `better` is the direction that favours rxchat. */

/** The share of deliveries that arrived in time at a fixed rate. A late server sends larger batches, which cost less. */
const inTime = (run) => (run.offered > 0 ? run.deliveries / run.seconds / run.offered : 1);
const IN_TIME = 0.95;

const good = (run) => run?.ok === true;
const behind = (run) => run?.fault === null && run?.arrived === false;
const of = (figure) => (run) => (good(run) || behind(run) ? figure(run) : undefined);
/** The latency of lines that never arrived is unknown, and the other lines would look better than the run was. */
const ofAll = (figure) => (run) => (good(run) ? figure(run) : undefined);

export const deliveries = {
  name: 'deliveries/s',
  better: 'more',
  of: of((run) => run.deliveries / run.seconds),
};
export const cpu = {
  name: 'CPU s per million',
  better: 'less',
  of: of((run) =>
    run.deliveries > 0 && inTime(run) >= IN_TIME ? (run.serverCpu / run.deliveries) * 1e6 : undefined,
  ),
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

const sum = (values) => values.reduce((total, value) => total + value, 0);
/** The processes of a run with several servers: the relays, or the servers of the storage engine. */
const PROCESSES = {
  relays: ({ processes, relays }) => processes.slice(0, relays),
  engine: ({ processes, relays }) => processes.slice(relays),
};
const cpuOf = (kind) => ({
  name: `CPU s per million, ${kind}`,
  better: 'less',
  of: of((run) =>
    run.deliveries > 0 ? (sum(PROCESSES[kind](run).map(({ cpu }) => cpu)) / run.deliveries) * 1e6 : undefined,
  ),
});
/** Without the clients that joined before the first measurement. */
const memoryOf = (kind, { subscribers, rooms = 1, warm = 0 }) => ({
  name: `KiB a client, ${kind}`,
  better: 'less',
  of: of(
    (run) =>
      sum(PROCESSES[kind](run).map(({ memoryBefore, memoryJoined }) => memoryJoined - memoryBefore)) /
      (subscribers * rooms - warm),
  ),
});

/** Measures by kind of row. The first one is the main measure. */
export const measuresOf = ({ kind, work }) =>
  ({
    'shared-throughput': [deliveries, cpuOf('relays'), cpuOf('engine')],
    'shared-latency': [p50, p99, cpuOf('relays'), cpuOf('engine')],
    'shared-join': [memoryOf('relays', work), joinSeconds, memoryOf('engine', work)],
    throughput: [cpu, deliveries],
    latency: [p99, p50, deliveries],
    cpu: [cpu, p99],
    join: [joinCpu, memory(work.subscribers * (work.rooms ?? 1)), joinSeconds],
  })[kind];

/** Below that share of idle time the load generator was the bottleneck, and the server could have done more. */
const HARDLY_IDLE = 0.05;

/** Returns the notes that belong to a peer's figures. */
export const remarksOn = (runs) => {
  const failed = runs.filter((run) => !good(run) && !behind(run));
  const late = runs.filter(behind);
  return [
    ...(failed.length > 0 ? [`${failed.length} of ${runs.length} runs WRONG: ${failed[0].fault}`] : []),
    ...(late.length > 0 ? [`did not keep up in ${late.length} of ${runs.length} runs`] : []),
    ...(runs.some((run) => good(run) && inTime(run) < IN_TIME)
      ? [`fell behind: ${Math.round(Math.min(...runs.filter(good).map(inTime)) * 100)} % in time`]
      : []),
    ...(runs.some((run) => run.totalOrder === false) ? ['no total order'] : []),
    ...(runs.some((run) => good(run) && run.seconds > 0.1 && run.idleShare < HARDLY_IDLE)
      ? ['the generator was the limit: deliveries/s are a floor']
      : []),
  ];
};

/** Servers that share the cores with the generator have no core of their own. */
const otherWork = (run) =>
  run.relays === undefined ? Math.max(run.otherOnServerCore, run.otherOnOwnCore) : run.otherOnMachine;

/** Returns how other work and the load generator affected a row: a generator that is never idle was the bottleneck. */
export const disturbance = (runs) => {
  const measured = runs.filter((run) => good(run) && run.seconds > 0.1);
  return {
    idle: measured.length > 0 ? Math.min(...measured.map((run) => run.idleShare)) : undefined,
    other: measured.length > 0 ? Math.max(0, ...measured.map(otherWork)) : undefined,
  };
};

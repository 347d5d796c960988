/** Starts what a run needs: the servers of the storage engine, and the relays that share it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { freePort, startServer } from '../measure/server.mjs';
import { versionOf } from '../peers/installed.mjs';
import { natsCommand } from '../peers/nats.mjs';
import { rxchatShared } from '../peers/rxchat.mjs';

/** The newer server that `node scripts/fetchNats.mjs` fetches. Clusters need it. */
const NEWER = resolve(import.meta.dirname, '../../node_modules/.cache/nats-server/nats-server');
/** The first relay waits until a new cluster has elected its leaders. */
const START_SECONDS = 120;

const engineOf = (program, install) => ({
  program,
  install,
  version: () =>
    program === 'nats-server' || existsSync(program) ? versionOf(program, '--version') : undefined,
});

const INSTALLED = engineOf('nats-server', 'apt-get install nats-server');
const FETCHED = engineOf(NEWER, 'node scripts/fetchNats.mjs');

const nodeOf = ({ program, syncs }, name, routePorts, at) => ({
  name: `nats-server ${name}`,
  command: (place) => {
    const sync = syncs ? ', sync_interval: always' : '';
    const routes = routePorts.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
    const cluster = `cluster { name: bench, listen: "127.0.0.1:${routePorts[at]}", routes: [${routes}] }\n`;
    return natsCommand(
      place,
      `server_name: ${name}\njetstream { store_dir: "${place.directory}"${sync} }\n${routePorts.length > 1 ? cluster : ''}`,
      program,
    );
  },
});

/** Starts the servers of an engine, and adds each to `started`. */
const startEngine = async (engine, { directory }, started) => {
  const routePorts = await Promise.all(Array.from({ length: engine.replicas }, freePort));
  const servers = [];
  for (const at of routePorts.keys()) {
    const server = await startServer(nodeOf(engine, `n${at}`, routePorts, at), { directory });
    started.push(server);
    servers.push(server);
  }
  return servers;
};

/** Calls `use` with `{ pid, port }` while the relays of a setup run: arrays, with the relays before the engine. */
export const withRelays = async ({ relays, engine, relay }, { directory }, use) => {
  const started = [];
  try {
    const servers = engine === undefined ? [] : await startEngine(engine, { directory }, started);
    const peer = relay ?? rxchatShared(servers, engine.syncs ? 'disk' : 'os');
    const serving = [];
    for (let n = 0; n < relays; n += 1) {
      const server = await startServer(peer, { directory, startSeconds: START_SECONDS });
      started.push(server);
      serving.push(server);
    }
    return await use({
      pid: [...serving, ...servers].map(({ pid }) => pid),
      port: serving.map(({ port }) => port),
    });
  } finally {
    for (const server of started.reverse()) await server.end();
  }
};

const minor = (version) => version?.split('.').slice(0, 2).join('.') ?? '?';

/** A setup of one relay with a store of its own. */
export const alone = (name, relay) => ({
  name,
  relays: 1,
  relay,
  install: relay.install,
  version: relay.version,
});

/** Relays that share an engine with that many replicas, which syncs each record or not. */
const shared = (kind, { replicas = 1, syncs = false }) => {
  const { version, install } = kind;
  const name = `NATS ${minor(version())} R${replicas}${syncs ? ' sync always' : ''}`;
  const engine = { ...kind, replicas, syncs };
  return (relays = 1, label = name) => ({ name: label, relays, engine, version, install });
};

export const installedR1 = shared(INSTALLED, {});
export const fetchedR1 = shared(FETCHED, {});
export const fetchedR3 = shared(FETCHED, { replicas: 3, syncs: true });

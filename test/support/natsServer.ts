import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './freePort.js';
import type { Machine } from './networkNamespaces.js';

/** Programs by their use: the installed one, and a newer one for clusters, which `scripts/fetchNats.mjs` fetches. */
const INSTALLED = process.env['RXCHAT_NATS_SERVER'] ?? 'nats-server';
const NEWER = 'node_modules/.cache/nats-server/nats-server';

const runs = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** Whether a nats-server is installed. */
export const hasNats = (): boolean => runs(INSTALLED);

/** Whether a nats-server for clusters, 2.11 or newer, was fetched. */
export const hasNatsCluster = (): boolean => existsSync(NEWER) && runs(NEWER);

export interface NatsServerOptions {
  /** Uses the newer server, for what the installed one does not do. */
  readonly isNewer?: boolean;
  /** The rest of the configuration: users, TLS, a cluster. */
  readonly config?: string;
  /** A configuration file of docs/cluster to use instead. Only its addresses and directory are replaced. */
  readonly shipped?: ShippedConfig;
  /** Where it runs: on a machine of its own, by default on loopback. */
  readonly machine?: Machine;
  /** JetStream is enabled unless this is `false`. */
  readonly hasJetStream?: boolean;
}

export interface ShippedConfig {
  readonly file: 'one.conf' | 'three.conf';
  /** What to replace in it besides. */
  readonly replace?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

const SHIPPED = new URL('../../docs/cluster/', import.meta.url);
/** Passwords of the users in docs/cluster. */
export const RELAY_PASSWORD = 'relay-password';
export const ADMIN_PASSWORD = 'admin-password';
const PASSWORDS = {
  RXCHAT_RELAY_PASSWORD: RELAY_PASSWORD,
  RXCHAT_ADMIN_PASSWORD: ADMIN_PASSWORD,
  RXCHAT_ROUTE_PASSWORD: 'route-password',
};

/** Where they listen for clients. */
const ADDRESSES = { 'one.conf': '127.0.0.1', 'three.conf': '0.0.0.0' } as const;

/** Replaces each text, which must be there: otherwise the test would use what it means to replace. */
const replaceAll = (text: string, replacements: Readonly<Record<string, string>>): string =>
  Object.entries(replacements).reduce((replaced, [found, by]) => {
    if (!replaced.includes(found)) throw new Error(`the configuration has no ${found}`);
    return replaced.replaceAll(found, by);
  }, text);

/** A nats-server on loopback. It has the same port and directory after each start. */
export interface NatsServer {
  readonly address: string;
  /** The directory of what it stores. */
  readonly storeDir: string;
  /** What it has logged since it was last started. */
  log(): string;
  /** Resolves once its log has such a text. */
  logged(text: RegExp): Promise<unknown>;
  /** Ends it with a signal. Stored records stay. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it after `kill`. */
  start(): Promise<void>;
  /** Stops the process until `resume`. Resolves when all of its threads are stopped, so that it answers nothing. */
  pause(): Promise<void>;
  resume(): void;
  /** Removes everything that is stored; only after `kill`. */
  wipe(): void;
  /** Ends it and removes its directory. */
  dispose(): Promise<void>;
}

/** Starts a nats-server with a directory of its own, and resolves when it accepts clients. */
export const startNatsServer = async ({
  isNewer = false,
  config = '',
  hasJetStream = true,
  shipped,
  machine = { address: '127.0.0.1', wrapper: [] },
}: NatsServerOptions = {}): Promise<NatsServer> => {
  const dir = mkdtempSync(join(tmpdir(), 'rxchat-nats-'));
  const storeDir = join(dir, 'store');
  const configFile = join(dir, 'nats.conf');
  let child: ChildProcess | undefined;
  let output = '';
  let port = -1;

  const start = async () => {
    const jetStream = hasJetStream ? `jetstream { store_dir: ${JSON.stringify(storeDir)} }` : '';
    if (shipped === undefined)
      writeFileSync(configFile, `listen: "${machine.address}:${port}"\n${jetStream}\n${config}\n`);
    else {
      const text = readFileSync(new URL(shipped.file, SHIPPED), 'utf8');
      const own = {
        '/var/lib/rxchat/nats': storeDir,
        [`${ADDRESSES[shipped.file]}:4222`]: `127.0.0.1:${port}`,
      };
      writeFileSync(configFile, replaceAll(text, { ...own, ...shipped.replace }));
      copyFileSync(new URL('users.conf', SHIPPED), join(dir, 'users.conf'));
    }
    const [program, ...args] = [...machine.wrapper, isNewer ? NEWER : INSTALLED, '-c', configFile];
    const started = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...PASSWORDS, ...shipped?.env },
    });
    child = started;
    output = '';
    await new Promise<void>((resolve, reject) => {
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('Server is ready')) resolve();
      });
      started.once('error', reject);
      started.once('exit', () => {
        reject(new Error(`nats-server ended: ${output}`));
      });
    });
    port = Number(/Listening for client connections on [\d.]+:(\d+)/.exec(output)?.[1]);
  };

  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exit = once(ending, 'exit');
    ending.kill(signal);
    await exit;
  };

  const dispose = async () => {
    await kill();
    rmSync(dir, { recursive: true, force: true });
  };

  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    get address() {
      return `${machine.address}:${port}`;
    },
    storeDir,
    log: () => output,
    logged: async (text) => {
      while (!text.test(output)) await once(child?.stderr ?? new EventEmitter(), 'data');
    },
    kill,
    start,
    pause: async () => {
      if (child?.pid === undefined) return;
      child.kill('SIGSTOP');
      while (!isStopped(child.pid)) await new Promise((resolve) => setImmediate(resolve));
    },
    resume: () => {
      child?.kill('SIGCONT');
    },
    wipe: () => {
      rmSync(storeDir, { recursive: true, force: true });
    },
    dispose,
  };
};

/** Returns whether all threads of a process are stopped, according to Linux. */
const isStopped = (pid: number): boolean =>
  readdirSync(`/proc/${pid}/task`).every((thread) =>
    /^State:\tT/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')),
  );

/**
 * Starts three nats-servers that form a cluster, on loopback or on a machine each. JetStream may need some seconds more to
 * elect a leader.
 */
export const startNatsCluster = async (
  machines: readonly (Machine | undefined)[] = [undefined, undefined, undefined],
): Promise<readonly NatsServer[]> => {
  const ports = await freePorts();
  const listeners = machines.map((machine, n) => `${machine?.address ?? '127.0.0.1'}:${ports[n] ?? 0}`);
  const routes = listeners.map((address) => `"nats://${address}"`).join(', ');
  const starting = machines.map((machine, n) =>
    startNatsServer({
      isNewer: true,
      ...(machine !== undefined && { machine }),
      config: `server_name: n${n}\ncluster { name: rxchat, listen: "${listeners[n] ?? ''}", routes: [${routes}] }`,
    }),
  );
  return Promise.all(starting);
};

/** Starts the three servers of docs/cluster/three.conf. */
export const startShippedCluster = async (): Promise<readonly NatsServer[]> => {
  const ports = await freePorts();
  const names = ['a', 'b', 'c'] as const;
  const routes = ports.map((port) => `nats://route:${PASSWORDS.RXCHAT_ROUTE_PASSWORD}@127.0.0.1:${port}`);
  const starting = names.map((name, n) =>
    startNatsServer({
      isNewer: true,
      shipped: {
        file: 'three.conf',
        replace: { '0.0.0.0:6222': `127.0.0.1:${ports[n]}` },
        env: { NATS_NAME: name, RXCHAT_ROUTES: `[${routes.join(', ')}]` },
      },
    }),
  );
  return Promise.all(starting);
};

/** The servers have to know the ports of each other before they start. */
const freePorts = (): Promise<readonly number[]> => Promise.all([0, 1, 2].map(freePort));

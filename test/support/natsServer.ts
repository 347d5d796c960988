import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './freePort.js';

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
  /** JetStream is enabled unless this is `false`. */
  readonly hasJetStream?: boolean;
}

/** A nats-server on loopback. It has the same port and directory after each start. */
export interface NatsServer {
  readonly address: string;
  /** The directory of what it stores. */
  readonly storeDir: string;
  /** What it has logged since it was last started. */
  log(): string;
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
}: NatsServerOptions = {}): Promise<NatsServer> => {
  const dir = mkdtempSync(join(tmpdir(), 'rxchat-nats-'));
  const storeDir = join(dir, 'store');
  const configFile = join(dir, 'nats.conf');
  let child: ChildProcess | undefined;
  let output = '';
  let port = -1;

  const start = async () => {
    const jetStream = hasJetStream ? `jetstream { store_dir: ${JSON.stringify(storeDir)} }` : '';
    writeFileSync(configFile, `listen: "127.0.0.1:${port}"\n${jetStream}\n${config}\n`);
    const started = spawn(isNewer ? NEWER : INSTALLED, ['-c', configFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
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
    port = Number(/Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(output)?.[1]);
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
      return `127.0.0.1:${port}`;
    },
    storeDir,
    log: () => output,
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

/** Starts three nats-servers that form a cluster. JetStream may need some seconds more to elect a leader. */
export const startNatsCluster = async (): Promise<readonly NatsServer[]> => {
  // The servers have to know the ports of each other before they start.
  const ports = await Promise.all([0, 1, 2].map(freePort));
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
  const starting = ports.map((port, n) =>
    startNatsServer({
      isNewer: true,
      config: `server_name: n${n}\ncluster { name: rxchat, listen: "127.0.0.1:${port}", routes: [${routes}] }`,
    }),
  );
  return Promise.all(starting);
};

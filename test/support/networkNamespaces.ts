import { spawnSync } from 'node:child_process';

/** A machine of its own in a network namespace. */
export interface Machine {
  /** Its address, which the test and the other machines reach. */
  readonly address: string;
  /** A program with arguments that runs another one on this machine. */
  readonly wrapper: readonly string[];
}

/** Machines that are connected by a bridge, to which the test belongs too. */
export interface Network {
  readonly machines: readonly Machine[];
  /** From now on, packets from one machine to another are lost without a notice. The other direction still works. */
  lose(from: Machine, to: Machine): void;
  /** Ends all losses. */
  heal(): void;
  /** Removes all of it. */
  remove(): void;
}

const ip = (...args: readonly string[]): string | undefined => {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
};

const run = (line: string): void => {
  const failure = ip(...line.split(' '));
  if (failure !== undefined) throw new Error(`ip ${line}: ${failure}`);
};

/** An address of the link layer that nobody has. */
const NOBODY = '02:00:00:00:00:01';

/** The processes that use it at the same time have different networks: 8192 of 16 addresses in 198.18.0.0/15, for tests. */
const subnetOf = (pid: number) => {
  const first = (pid % 8192) * 16;
  return (host: number): string => {
    const at = first + host;
    return `198.${18 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`;
  };
};

/**
 * Connects machines by a bridge. Needs root and network namespaces. Packets are lost by a wrong address in the link layer: so
 * it needs nothing of a kernel but `veth` and bridges.
 */
export const createNetwork = (count: number): Network => {
  const id = `rx${process.pid}`;
  const addressOf = subnetOf(process.pid);
  const bridge = `${id}b`;
  const names: string[] = [];
  const losses = new Map<string, () => void>();

  const remove = () => {
    for (const [n, name] of names.entries()) {
      // A namespace ends after its last process, and its link with it.
      ip('link', 'del', `${id}v${n}`);
      ip('netns', 'del', name);
    }
    ip('link', 'del', bridge);
  };
  const addMachine = (n: number): Machine & { readonly name: string } => {
    const name = `${id}n${n}`;
    const address = addressOf(2 + n);
    run(`netns add ${name}`);
    names.push(name);
    run(`link add ${id}v${n} type veth peer name eth0 netns ${name}`);
    run(`link set ${id}v${n} master ${bridge} up`);
    run(`-n ${name} addr add ${address}/28 dev eth0`);
    run(`-n ${name} link set eth0 up`);
    run(`-n ${name} link set lo up`);
    return { name, address, wrapper: ['ip', 'netns', 'exec', name] };
  };
  try {
    run(`link add ${bridge} type bridge`);
    run(`addr add ${addressOf(1)}/28 dev ${bridge}`);
    run(`link set ${bridge} up`);
    const machines = Array.from({ length: count }, (_, n) => addMachine(n));
    return {
      machines,
      lose: (from, to) => {
        const name = names[machines.findIndex((each) => each === from)] ?? '';
        run(`-n ${name} neigh replace ${to.address} lladdr ${NOBODY} dev eth0 nud permanent`);
        losses.set(`${name} ${to.address}`, () => {
          run(`-n ${name} neigh del ${to.address} dev eth0`);
        });
      },
      heal: () => {
        for (const end of losses.values()) end();
        losses.clear();
      },
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }
};

/** Returns why machines in network namespaces are not possible, or `undefined`. */
export const namespaceProblem = (): string | undefined => {
  try {
    createNetwork(1).remove();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

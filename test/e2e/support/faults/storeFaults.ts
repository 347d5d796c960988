import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NatsServer } from '../../../support/natsServer.js';
import { findLeader, untilReplicated } from '../../../support/natsStreams.js';
import type { SharedContext, SharedRow } from './sharedTraffic.js';

/** The stream of all rooms, if there is one. */
const STREAM = 'RX0';

/** Resolves with the server that leads the stream, and the other two. */
const serversByRole = async ({ servers }: SharedContext) => {
  const leader = await findLeader(servers, STREAM);
  return { leader, followers: servers.filter((each) => each !== leader) };
};

/** Ends one of three servers until the others have stored more, does something to its data, and starts it again. */
const restartServer = async (context: SharedContext, server: NatsServer, damage: (dir: string) => void) => {
  await server.kill();
  damage(server.storeDir);
  await context.untilStored(context.members);
  await server.start();
  await untilReplicated(context.servers, STREAM);
};

const blockFiles = (dir: string): readonly string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.includes(`/streams/${STREAM}/msgs/`) && name.endsWith('.blk'))
    .map((name) => join(dir, name));

/** Changes a bit in each of 20 places of each file with records. */
const flipBits = (dir: string): void => {
  const files = blockFiles(dir);
  if (files.length === 0) throw new Error('no file has records');
  for (const file of files) {
    const bytes = readFileSync(file);
    for (let n = 0; n < 20; n += 1) {
      const at = Math.floor(((n + 0.5) * bytes.length) / 20);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (n % 8));
    }
    writeFileSync(file, bytes);
  }
};

/** Removes the second half of each file with records. */
const truncateFiles = (dir: string): void => {
  const files = blockFiles(dir);
  if (files.length === 0) throw new Error('no file has records');
  for (const file of files) truncateSync(file, Math.floor(readFileSync(file).length / 2));
};

const keepData = (): void => undefined;

/** Damages what a follower has, then stores more with a majority that needs it. */
const damageFollower =
  (damage: (dir: string) => void): SharedRow['fault'] =>
  async (context) => {
    const { followers } = await serversByRole(context);
    const [damaged, intact] = followers;
    if (damaged === undefined || intact === undefined) throw new Error('there are no two followers');
    await restartServer(context, damaged, damage);
    await restartServer(context, intact, keepData);
  };

/** Faults of the servers of the store. */
export const storeFaults: Readonly<Record<string, SharedRow>> = {
  'the only server of the store is killed and restarted': {
    fault: async ({ servers: [server] }) => {
      await server?.kill();
      await server?.start();
    },
  },
  'the only server of the store is suspended for 3 s': {
    fault: async ({ servers: [server] }) => {
      await server?.pause();
      await new Promise((resolve) => setTimeout(resolve, 3000));
      server?.resume();
    },
  },
  'the leader of three servers is killed and loses its data': {
    servers: 3,
    fault: async (context) => {
      const { leader } = await serversByRole(context);
      await leader.kill();
      leader.wipe();
      await context.untilStored(context.members);
      await leader.start();
    },
  },
  'the leader of three servers is killed and restarted': {
    isLong: true,
    servers: 3,
    fault: async (context) => {
      const { leader } = await serversByRole(context);
      await restartServer(context, leader, keepData);
    },
  },
  'the leader of three servers is suspended until there is another': {
    isLong: true,
    servers: 3,
    fault: async (context) => {
      const { leader } = await serversByRole(context);
      await leader.pause();
      await context.untilStored(context.members);
      leader.resume();
      await untilReplicated(context.servers, STREAM);
    },
  },
  'each of three servers loses its data, one after the other': {
    isLong: true,
    servers: 3,
    fault: async (context) => {
      for (const server of context.servers) {
        await restartServer(context, server, () => {
          server.wipe();
        });
      }
    },
  },
  'two of three servers are killed and restarted': {
    isLong: true,
    servers: 3,
    fault: async (context) => {
      const { leader, followers } = await serversByRole(context);
      const lost = [leader, ...followers.slice(1)];
      await Promise.all(lost.map((server) => server.kill()));
      await Promise.all(lost.map((server) => server.start()));
      await untilReplicated(context.servers, STREAM);
    },
  },
  'bits flip in the records of one of three servers': {
    isLong: true,
    servers: 3,
    fault: damageFollower(flipBits),
  },
  'the records of one of three servers are cut in half': {
    isLong: true,
    servers: 3,
    fault: damageFollower(truncateFiles),
  },
};

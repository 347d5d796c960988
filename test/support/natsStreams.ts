import { connect } from '@nats-io/transport-node';
import type { NatsServer } from './natsServer.js';

/** The part of JetStream's answer to `STREAM.INFO` that tests use. */
interface StreamInfo {
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly { readonly current: boolean; readonly lag?: number }[];
  };
}

/** Interval in ms between two questions, and how long each waits for an answer: without a leader nobody answers. */
const RETRY_MS = 200;
const ANSWER_MS = 2000;

/** Asks running servers about a stream until an answer is as wanted. */
const untilStream = async <T>(
  servers: readonly NatsServer[],
  stream: string,
  pick: (info: StreamInfo) => T | undefined,
): Promise<T> => {
  const connection = await connect({
    servers: servers.map(({ address }) => address),
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
  });
  try {
    for (;;) {
      const answer = await connection
        .request(`$JS.API.STREAM.INFO.${stream}`, '', { timeout: ANSWER_MS })
        .then((message) => message.json<StreamInfo>())
        .catch(() => undefined);
      const picked = answer && pick(answer);
      if (picked !== undefined) return picked;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  } finally {
    await connection.close();
  }
};

/** Resolves with the server of `startNatsCluster` that leads a stream. */
export const findLeader = (servers: readonly NatsServer[], stream: string): Promise<NatsServer> =>
  untilStream(servers, stream, ({ cluster }) => servers[Number(/^n(\d)$/.exec(cluster?.leader ?? '')?.[1])]);

/** Resolves once all servers have all records of a stream. */
export const untilReplicated = async (servers: readonly NatsServer[], stream: string): Promise<void> => {
  await untilStream(servers, stream, ({ cluster }) => {
    const replicas = cluster?.replicas ?? [];
    const isCurrent = replicas.every(({ current, lag = 0 }) => current && lag === 0);
    return (replicas.length === servers.length - 1 && isCurrent) || undefined;
  });
};

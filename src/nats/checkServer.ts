import type { ServerInfo } from '@nats-io/transport-node';
import { LedgerError } from './errors.js';

/** Versions by what they made possible. */
const DIRECT_GET_VERSION = [2, 9] as const;
const CLUSTER_VERSION = [2, 11] as const;

const isAtLeast = ({ version }: ServerInfo, [major, minor]: readonly [number, number]): boolean => {
  const [serverMajor = 0, serverMinor = 0] = version.split('.').map(Number);
  return serverMajor > major || (serverMajor === major && serverMinor >= minor);
};

/** Whether a server answers one request with several records. */
export const supportsBatches = (server: ServerInfo | undefined): boolean =>
  server !== undefined && isAtLeast(server, CLUSTER_VERSION);

/** Minimum of a server's `max_payload` in bytes: twice the largest batch. */
const MIN_PAYLOAD_BYTES = 1_048_576;

/** Throws `LedgerError` `unsuitable` if the server at an address cannot serve as the store. */
export const checkServer = (server: ServerInfo, address: string, replicas: number): void => {
  // A server without a name has its id as its name.
  const name = server.server_name === server.server_id ? `at ${address}` : server.server_name;
  const refuse = (reason: string, hint: string) => {
    throw new LedgerError('unsuitable', `the NATS server ${name} ${reason}`, { hint });
  };
  if (server.jetstream !== true)
    refuse('has no JetStream', 'start it with -js, or with jetstream in its config');
  if (!isAtLeast(server, DIRECT_GET_VERSION))
    refuse(
      `is version ${server.version}, which has no direct get`,
      'use 2.11 or newer; one server alone can be 2.9',
    );
  // Measured with 2.9.10: after its nodes were killed, the replicas had different messages at the same sequence.
  if (replicas > 1 && !isAtLeast(server, CLUSTER_VERSION))
    refuse(
      `is version ${server.version}, which does not keep replicas equal when nodes are killed`,
      'use 2.11 or newer on all servers of the cluster, or one server with one replica',
    );
  if (server.max_payload < MIN_PAYLOAD_BYTES)
    refuse(`accepts messages of at most ${server.max_payload} bytes`, 'set its max_payload to 1MB or more');
};

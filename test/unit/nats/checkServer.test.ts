import { expect, test } from '@jest/globals';
import type { ServerInfo } from '@nats-io/transport-node';
import { checkServer, supportsBatches } from '../../../src/nats/checkServer.js';

const server = (version: string, rest: Partial<ServerInfo> = {}): ServerInfo => ({
  client_id: 1,
  go: '',
  host: '',
  max_payload: 1_048_576,
  port: 1,
  proto: 1,
  server_id: '',
  server_name: 'n1',
  jetstream: true,
  version,
  ...rest,
});

const reason = (info: ServerInfo, replicas: number): string | undefined => {
  try {
    checkServer(info, '127.0.0.1:4222', replicas);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

test.each([
  ['2.9.10', 1],
  ['2.10.27', 1],
  ['2.11.0', 3],
  ['2.15.1', 3],
  ['2.12.0-RC.1', 3],
  ['3.0.0', 5],
])('checkServer accepts %s with %d replicas', (version, replicas) => {
  expect(reason(server(version), replicas)).toBeUndefined();
});

test.each([
  ['2.9.10', 3],
  ['2.10.27', 3],
])('checkServer rejects %s with %d replicas, and says why', (version, replicas) => {
  expect(reason(server(version), replicas)).toBe(
    `the NATS server n1 is version ${version}, which does not keep replicas equal when nodes are killed`,
  );
});

test('checkServer rejects servers without direct get, without JetStream, or with small messages', () => {
  expect(reason(server('2.8.4'), 1)).toMatch(/is version 2\.8\.4, which has no direct get/);
  expect(reason(server('nonsense'), 1)).toMatch(/is version nonsense/);
  expect(reason(server('2.15.1', { jetstream: false }), 1)).toMatch(/has no JetStream/);
  expect(reason(server('2.15.1', { max_payload: 65_536 }), 1)).toMatch(/at most 65536 bytes/);
});

test('checkServer names a server without a name by its address', () => {
  const id = 'NC5WWDOGDWOLNPNSRKWAVGKQUJFQYUYTQIGPFNPJQDXQ6GR3K6TDQ6QF';
  expect(reason(server('2.8.4', { server_id: id, server_name: id }), 1)).toMatch(
    /^the NATS server at 127\.0\.0\.1:4222 is version 2\.8\.4/,
  );
});

test('supportsBatches is false for older servers and without a connection', () => {
  expect([undefined, server('2.9.10'), server('2.11.0')].map(supportsBatches)).toStrictEqual([
    false,
    false,
    true,
  ]);
});

import { afterAll, afterEach, describe, expect } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concatMap, from, lastValueFrom, map } from 'rxjs';
import { connectNats, type NatsServers } from '../../../src/nats/connect.js';
import {
  createAuthority,
  createServerCertificate,
  type PemCertificate,
} from '../../support/natsCertificates.js';
import { createOperatorConfig } from '../../support/natsCredentials.js';
import { type NatsServer, type NatsServerOptions, startNatsServer } from '../../support/natsServer.js';
import { withNats } from '../../support/withNats.js';

const test = withNats('connections to NATS are not tested');

const dir = mkdtempSync(join(tmpdir(), 'rxchat-connect-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const servers: NatsServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.dispose();
});

const startServer = async (options?: NatsServerOptions): Promise<NatsServer> => {
  const server = await startNatsServer(options);
  servers.push(server);
  return server;
};

/** Connects, and returns the name of the server. */
const connect = (options: NatsServers): Promise<string> =>
  lastValueFrom(
    connectNats(options, 60_000).pipe(
      concatMap(({ connection }) => {
        const name = connection.info?.server_name ?? '';
        return from(connection.close()).pipe(map(() => name));
      }),
    ),
  );

describe('TLS to NATS', () => {
  const startTls = ({ cert, key }: PemCertificate): Promise<NatsServer> => {
    const [certFile, keyFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    return startServer({
      config: `server_name: tls\ntls { cert_file: "${certFile}", key_file: "${keyFile}" }`,
    });
  };

  test('works with the certificate of the authority, by address and by name', async () => {
    const authority = await createAuthority();
    const { address } = await startTls(await createServerCertificate(authority, '127.0.0.1'));
    expect(await connect({ servers: [address], tls: { ca: authority.cert } })).toBe('tls');
    const named = await startTls(await createServerCertificate(authority, 'localhost'));
    const byName = named.address.replace('127.0.0.1', 'localhost');
    expect(await connect({ servers: [byName], tls: { ca: authority.cert } })).toBe('tls');
    await expect(connect({ servers: [named.address], tls: { ca: authority.cert } })).rejects.toMatchObject({
      code: 'unsuitable',
    });
  });

  test.each([
    [
      'another authority signed the certificate',
      async () => createServerCertificate(await createAuthority(), '127.0.0.1'),
      /^the certificate of the NATS server at SERVER is not trusted: [A-Z_]+$/,
      'give the certificate of its authority: --store-ca FILE',
    ],
    [
      'the certificate is for another host',
      (authority: PemCertificate) => createServerCertificate(authority, 'elsewhere.example'),
      /^the certificate of the NATS server at SERVER is for other host names$/,
      'name the server in --store as its certificate does',
    ],
    [
      'the certificate has expired',
      (authority: PemCertificate) => createServerCertificate(authority, '127.0.0.1', { hasExpired: true }),
      /^the certificate of the NATS server at SERVER has expired$/,
      'renew it',
    ],
  ])('errors at once if %s', async (_, createCertificate, message, hint) => {
    const authority = await createAuthority();
    const { address } = await startTls(await createCertificate(authority));
    const error = await connect({ servers: [address], tls: { ca: authority.cert } }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'unsuitable', hint });
    expect((error as Error).message.replace(address, 'SERVER')).toMatch(message);
  });

  test('errors at once if only one side uses it', async () => {
    const authority = await createAuthority();
    const encrypted = await startTls(await createServerCertificate(authority, '127.0.0.1'));
    await expect(connect({ servers: [encrypted.address] })).rejects.toMatchObject({
      code: 'unsuitable',
      message: `the NATS server at ${encrypted.address} requires TLS`,
      hint: 'use tls:// in --store',
    });
    const plain = await startServer();
    await expect(connect({ servers: [plain.address], tls: { ca: authority.cert } })).rejects.toMatchObject({
      code: 'unsuitable',
      message: `the NATS server at ${plain.address} has no TLS`,
      hint: 'set tls in its configuration, or use nats:// in --store',
    });
  });
});

describe('a credentials file', () => {
  const { config, creds } = createOperatorConfig({ publish: ['>'], subscribe: ['>'] });
  const connectWith = ({ address }: NatsServer, file: string) =>
    connect({ servers: [address], credentials: { file: Buffer.from(file) } });

  test('admits its user', async () => {
    const server = await startServer({ config: `server_name: operated\n${config}` });
    expect(await connectWith(server, creds)).toBe('operated');
    await expect(connect({ servers: [server.address] })).rejects.toMatchObject({ code: 'denied' });
  });

  test('of another operator is rejected', async () => {
    const server = await startServer({ config });
    const other = createOperatorConfig({ publish: ['>'], subscribe: ['>'] });
    await expect(connectWith(server, other.creds)).rejects.toMatchObject({
      code: 'denied',
      message: `the NATS server at ${server.address} rejected the credentials`,
    });
  });

  test('that is damaged is rejected without its contents', async () => {
    const server = await startServer({ config });
    const damaged = creds.replace(/^SU.{8}/m, 'SUAAAAAAAA');
    await expect(connectWith(server, damaged)).rejects.toMatchObject({
      code: 'denied',
      message: 'the credentials file of NATS is damaged',
    });
  });
});

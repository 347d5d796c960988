import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { DEFAULT_ADDRESS } from '../../src/util/address.js';
import { newCertificate } from '../support/certificates.js';
import { RELAY_PASSWORD } from '../support/natsServer.js';
import { withNats } from '../support/withNats.js';
import { withProgram } from '../support/withProgram.js';
import { type Child, RXCHAT, start, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { startStore } from './support/sharedStore.js';

afterEach(cleanUp);

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Named {
  readonly name: string;
}
interface Container {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly ports: readonly (Named & { readonly containerPort: number })[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly volumeMounts: readonly (Named & { readonly mountPath: string })[];
  readonly securityContext: unknown;
}
interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly [Container];
  readonly volumes?: readonly Named[];
}
interface Labels {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Resource {
  readonly kind: string;
  readonly spec: {
    readonly replicas?: number;
    readonly selector: unknown;
    readonly ports?: readonly { readonly targetPort: string }[];
    readonly template?: { readonly metadata: Labels; readonly spec: Pod };
    readonly volumeClaimTemplates?: readonly { readonly metadata: Named }[];
  };
}

/** Loads a manifest: its service, and what runs its relays. Kubernetes reads YAML 1.1. */
const loadManifest = (file: string) => {
  const documents = parseAllDocuments(readFileSync(file, 'utf8'), { version: '1.1' });
  const resources = documents.map((document) => {
    expect([document.errors, document.warnings]).toStrictEqual([[], []]);
    return document.toJS() as Resource;
  });
  const service = resources.find(({ kind }) => kind === 'Service');
  const workload = resources.find(({ spec }) => spec.template !== undefined);
  if (service === undefined || workload?.spec.template === undefined) throw new Error(`${file} runs nothing`);
  const { metadata, spec: pod } = workload.spec.template;
  return { service, workload, metadata, pod, container: pod.containers[0] };
};

const ONE = 'docs/operations/kubernetes.yaml';
const SEVERAL = 'docs/cluster/kubernetes.yaml';

/** With these, a relay runs as in the container: its root file system is read-only, and it has no capability. */
const CONTAINED = 'mount --bind "$1" "$1" && mount -o remount,bind,ro / && shift && exec setpriv "$@"';
const RESTRICTIONS = ['--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];
const testContained = withProgram(
  'RXCHAT_NEED_NAMESPACES',
  ...(['unshare', '--mount', 'sh', '-c', CONTAINED, 'sh', '/mnt', ...RESTRICTIONS, 'true'] as const),
);

/** Starts the container of a manifest, of whose arguments some are replaced, with one directory that it can write. */
const runContainer = (
  { command, args }: Container,
  dir: string,
  replace: Readonly<Record<string, string>>,
): Child => {
  expect(command).toStrictEqual(['rxchat']);
  const own = { '0.0.0.0': '127.0.0.1', ':9464': ':0', ...replace };
  const replaced = Object.entries(own).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the arguments have no ${from}`);
    return text.replaceAll(from, to);
  }, args.join('\n'));
  const relay = [process.execPath, RXCHAT, ...replaced.split('\n'), '--port=0'];
  return start('unshare', ['--mount', 'sh', '-c', CONTAINED, 'sh', dir, ...RESTRICTIONS, ...relay]);
};

/** Expects 200 for each probe, and that the relay ends in time. */
const expectProbes = async (child: Child, { startupProbe, livenessProbe, readinessProbe }: Container) => {
  const [, url = ''] = await child.out.until(({ text }) => /^metrics on (\S+)$/m.exec(text));
  for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe])
    expect((await fetch(new URL(httpGet.path, url))).status).toBe(200);
  child.signal('SIGTERM');
  expect(await child.exit).toBe(0);
};

describe.each([ONE, SEVERAL])('%s', (file) => {
  const { service, workload, metadata, pod, container } = loadManifest(file);
  const { args, ports, volumeMounts } = container;

  test('has ports that the relay listens on', () => {
    const byName = Object.fromEntries(ports.map(({ name, containerPort }) => [name, containerPort]));
    expect(args.some((each) => each.startsWith('--port'))).toBe(false);
    expect(byName).toStrictEqual({ chat: DEFAULT_ADDRESS.port, metrics: 9464 });
    expect(args).toContain('--metrics=0.0.0.0:9464');
    expect(metadata.annotations?.['prometheus.io/port']).toBe('9464');
    expect(service.spec.ports?.map(({ targetPort }) => targetPort)).toStrictEqual(['chat']);
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe])
      expect(probe.httpGet.port).toBe('metrics');
  });

  test('selects its own pods', () => {
    expect(service.spec.selector).toStrictEqual(metadata.labels);
    expect(workload.spec.selector).toStrictEqual({ matchLabels: metadata.labels });
  });

  test('gives the relay more time to end than it needs, and no rights', () => {
    const seconds = container.lifecycle?.preStop.sleep.seconds ?? 0;
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(seconds + 1.5);
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.securityContext).toStrictEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  test('mounts each file that the relay uses', () => {
    const volumes = [
      ...(pod.volumes ?? []),
      ...(workload.spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata),
    ].map(({ name }) => name);
    expect(volumeMounts.map(({ name }) => name).sort()).toStrictEqual(volumes.sort());
    const files = args.flatMap((each) => /=(\/.*)/.exec(each)?.[1] ?? []);
    expect(files).not.toStrictEqual([]);
    for (const path of files)
      expect(volumeMounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`))).toBe(true);
  });
});

test('the manifest for one relay has one replica, because a store belongs to one relay', () => {
  const { workload } = loadManifest(ONE);
  expect([workload.kind, workload.spec.replicas]).toStrictEqual(['StatefulSet', 1]);
});

testContained(
  'a relay starts from the manifest for one, on a read-only file system without rights',
  async () => {
    const { container } = loadManifest(ONE);
    const dir = tempDir();
    const child = runContainer(container, dir, { '/data': dir });
    await expectProbes(child, container);
    const again = runContainer(container, dir, { '/data': dir });
    await expectProbes(again, container);
  },
);

const testSeveral =
  testContained === test ? withNats('no relay is started from the manifest for several') : test.skip;
testSeveral(
  'a relay starts from the manifest for several, with secrets as Kubernetes mounts them',
  async () => {
    const { container } = loadManifest(SEVERAL);
    const store = await startStore({ shipped: { file: 'one.conf' } });
    const dir = tempDir();
    const { cert, key } = await newCertificate();
    const files = {
      'certificate/tls.crt': cert,
      'certificate/tls.key': key,
      'store/relay.creds': `relay:${RELAY_PASSWORD}\n`,
      'store/store.key': `${randomBytes(32).toString('base64url')}\n`,
    };
    for (const [path, content] of Object.entries(files)) {
      const [secret = '', name = ''] = path.split('/');
      mkdirSync(join(dir, secret, '..data'), { recursive: true });
      writeFileSync(join(dir, secret, '..data', name), content, { mode: 0o440 });
      symlinkSync(join('..data', name), join(dir, secret, name));
    }
    const child = runContainer(container, dir, {
      'tls://nats-0.nats:4222,nats-1.nats:4222,nats-2.nats:4222': `nats://${store.address}`,
      '--store-replicas=3': '--store-replicas=1',
      '/etc/rxchat': dir,
      '/run/rxchat': dir,
    });
    await expectProbes(child, container);
  },
);

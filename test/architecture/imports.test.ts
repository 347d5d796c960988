import { describe, expect, test } from '@jest/globals';
import { type Module, modulesUnder, packagesOf, reachableModules } from '../support/imports.js';

/** Names of keys and plaintexts, and of functions that create them. */
const NAMES_OF_SECRETS = [
  'Plaintext',
  'Keyring',
  'FernetKey',
  'RoomKeys',
  'Invite',
  'deriveRoomKeys',
  'createDecipheriv',
];
const holdsSecrets = ({ path, identifiers }: Module): boolean =>
  path.startsWith('streams/client/') ||
  /cipher/i.test(path) ||
  NAMES_OF_SECRETS.some((name) => identifiers.has(name));

/** Seals what relays store together, with a key of the relays. It has no key of a room. */
const SEALED_LEDGER = 'src/nats/sealedLedger.ts';

const secretsOf = (modules: readonly Module[]): string[] =>
  modules.filter((each) => holdsSecrets(each) && each.path !== SEALED_LEDGER).map(({ path }) => path);

describe('a relay cannot leak what it cannot name', () => {
  const relays = [
    'streams/relay/relay.ts',
    'streams/relay/index.ts',
    'streams/classic/classicServer.ts',
    'src/relay/relay.ts',
    'src/net/tcp.ts',
    'src/net/tls/tls.ts',
    'src/cli/commands/serve/serve.ts',
    'src/cli/classic/serve.ts',
  ];

  // Types count as much as code: the test follows `import type` too.
  test.each(relays)('%s reaches no module that can hold a key', (path) => {
    const modules = reachableModules(path, { next: false });
    expect(modules.length).toBeGreaterThan(3);
    expect(secretsOf(modules)).toStrictEqual([]);
  });

  test('neither does what serve loads later, or what is loaded before a command is chosen', () => {
    const registries = [
      'src/cli/adminRegistry.ts',
      'src/cli/groupRegistry.ts',
      'src/cli/registry.ts',
      'src/cli/storeRegistry.ts',
    ];
    const serving = reachableModules('src/cli/commands/serve/serve.ts', { next: false });
    const nextOfServing = serving
      .filter(({ path }) => !registries.includes(path))
      .flatMap(({ dynamicImports }) => dynamicImports)
      .filter((name) => name.startsWith('src/') || name.startsWith('streams/'));
    expect(nextOfServing).toStrictEqual([
      'src/cli/commands/serve/metrics/serveMetrics.ts',
      'src/cli/commands/serve/admin/serveAdmin.ts',
      'src/cli/commands/serve/openLedger.ts',
      'src/history/index.ts',
      'src/net/web/listenWeb.ts',
      'src/net/web/pageFiles.ts',
    ]);
    for (const path of nextOfServing)
      expect(secretsOf(reachableModules(path, { next: true }))).toStrictEqual([]);

    // Of the commands each process loads one; nothing else may bring in another.
    const starting = [
      ...reachableModules('src/bin/rxchat.ts', { next: false }),
      ...reachableModules('src/cli/main.ts', { next: false }),
    ];
    expect(secretsOf(starting)).toStrictEqual([]);
    const forks = starting.filter(({ dynamicImports }) =>
      dynamicImports.some((name) => name.includes('/commands/')),
    );
    expect([...new Set(forks.map(({ path }) => path))].sort()).toStrictEqual(registries);
  });

  test('the search finds the modules that hold secrets: a client reaches them', () => {
    for (const path of ['src/node/nodePlatform.ts', 'src/cli/commands/send/send.ts', 'src/index.ts'])
      expect(secretsOf(reachableModules(path, { next: false }))).toEqual(
        expect.arrayContaining([
          'src/crypto/nodeKeys.ts',
          'src/crypto/nodeCipher.ts',
          'streams/client/envelope/cipher.ts',
        ]),
      );
  });
});

describe('streams/', () => {
  test('needs nothing but rxjs', () => {
    expect(packagesOf(modulesUnder('streams'))).toStrictEqual(['rxjs']);
  });

  test('has nothing that needs the classic wire, but itself', () => {
    const leaning = modulesUnder('streams').filter(
      ({ path, imports }) =>
        !path.startsWith('streams/classic/') &&
        path !== 'streams/index.ts' &&
        imports.some((name) => name.startsWith('streams/classic/')),
    );
    expect(leaning.map(({ path }) => path)).toStrictEqual([]);
  });

  test('has a client that does not import the code of one kind of room', () => {
    const kinds = /^streams\/client\/(group\/|groupRoom|roomClient)/;
    const client = modulesUnder('streams/client').find(({ path }) => path === 'streams/client/client.ts');
    expect(client?.imports.length).toBeGreaterThan(5);
    expect(client?.imports.filter((name) => kinds.test(name))).toStrictEqual([]);
  });

  test('imports nothing but itself', () => {
    const foreign = modulesUnder('streams').flatMap(({ path, imports, dynamicImports }) =>
      [...imports, ...dynamicImports]
        .filter((name) => name !== 'rxjs' && !name.startsWith('streams/'))
        .map((name) => `${path} imports ${name}`),
    );
    expect(foreign).toStrictEqual([]);
  });

  test.each([
    ['rx', ['rx']],
    ['wire', ['rx', 'wire']],
    ['relay', ['rx', 'wire', 'relay']],
    ['client', ['rx', 'wire', 'client']],
  ])('%s stands on %j alone', (part, parts) => {
    const modules = modulesUnder(`streams/${part}`);
    const others = modules
      .flatMap(({ imports }) => imports)
      .filter((name) => name !== 'rxjs' && !parts.some((each) => name.startsWith(`streams/${each}/`)));
    expect(modules.length).toBeGreaterThan(5);
    expect(others).toStrictEqual([]);
  });

  test('has no module that neither its exports nor src/ can reach', () => {
    const used = new Set(
      // src/platform/ takes the engine of group rooms from the second, src/nats/ presence and the check from the others.
      [
        'streams/index.ts',
        'streams/client/group/index.ts',
        'streams/relay/cluster/trackRelays.ts',
        'streams/relay/cluster/checkStream.ts',
      ].flatMap((entry) => reachableModules(entry, { next: false }).map(({ path }) => path)),
    );
    const unused = modulesUnder('streams').filter(({ path }) => !used.has(path));
    expect(unused.map(({ path }) => path)).toStrictEqual([]);
  });
});

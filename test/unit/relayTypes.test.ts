import { describe, expect, test } from '@jest/globals';
import { type Module, modulesUnder, packagesOf, reached } from '../support/imports.js';

/** What can hold a key, or what a key opens. */
const NAMES_OF_SECRETS = [
  'Plaintext',
  'Keyring',
  'FernetKey',
  'RoomKeys',
  'Invite',
  'deriveRoomKeys',
  'createDecipheriv',
];
const holdsSecrets = ({ path, names }: Module): boolean =>
  path.startsWith('streams/client/') ||
  /cipher/i.test(path) ||
  NAMES_OF_SECRETS.some((name) => names.has(name));

const secretsOf = (modules: readonly Module[]): string[] =>
  modules.filter(holdsSecrets).map(({ path }) => path);

describe('a relay cannot leak what it cannot name', () => {
  const relays = [
    'streams/relay/relay.ts',
    'streams/relay/index.ts',
    'streams/classic/hub.ts',
    'src/relay.ts',
    'src/transport/tcp.ts',
    'src/transport/tls.ts',
    'src/cli/commands/serve.ts',
    'src/classic/commands/serve.ts',
  ];

  // Types count as much as code: `import type` is followed too.
  test.each(relays)('%s reaches no module that can hold a key', (path) => {
    const modules = reached(path, { later: false });
    expect(modules.length).toBeGreaterThan(3);
    expect(secretsOf(modules)).toStrictEqual([]);
  });

  test('neither does what serve loads later, or what is loaded before a command is chosen', () => {
    const fork = 'src/cli/commandTable.ts';
    const serving = reached('src/cli/commands/serve.ts', { later: false });
    const laterOfServing = serving
      .filter(({ path }) => path !== fork)
      .flatMap(({ later }) => later)
      .filter((name) => name.startsWith('src/') || name.startsWith('streams/'));
    expect(laterOfServing).toStrictEqual([
      'src/history/index.ts',
      'src/web/listenWeb.ts',
      'src/web/pageFiles.ts',
    ]);
    for (const path of laterOfServing) expect(secretsOf(reached(path, { later: true }))).toStrictEqual([]);

    // Of the commands each process loads one; nothing else may bring in another.
    const starting = [
      ...reached('src/bin/rxchat.ts', { later: false }),
      ...reached('src/cli/main.ts', { later: false }),
    ];
    expect(secretsOf(starting)).toStrictEqual([]);
    expect(starting.map(({ path }) => path)).toContain(fork);
    const forks = starting.filter(({ later }) => later.some((name) => name.includes('/commands/')));
    expect([...new Set(forks.map(({ path }) => path))]).toStrictEqual([fork]);
  });

  test('whoever can hold one is found by this: a client reaches it', () => {
    for (const path of ['src/room.ts', 'src/cli/commands/send.ts', 'src/index.ts'])
      expect(secretsOf(reached(path, { later: false }))).toEqual(
        expect.arrayContaining([
          'src/crypto/roomKeys.ts',
          'src/crypto/nodeCipher.ts',
          'streams/client/keyring.ts',
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

  test('imports nothing but itself', () => {
    const foreign = modulesUnder('streams').flatMap(({ path, imports, later }) =>
      [...imports, ...later]
        .filter((name) => name !== 'rxjs' && !name.startsWith('streams/'))
        .map((name) => `${path} imports ${name}`),
    );
    expect(foreign).toStrictEqual([]);
  });

  test.each([
    ['wire', ['wire']],
    ['relay', ['wire', 'relay']],
    ['client', ['wire', 'client']],
  ])('%s stands on %j alone', (part, parts) => {
    const modules = modulesUnder(`streams/${part}`);
    const others = modules
      .flatMap(({ imports }) => imports)
      .filter((name) => name !== 'rxjs' && !parts.some((each) => name.startsWith(`streams/${each}/`)));
    expect(modules.length).toBeGreaterThan(5);
    expect(others).toStrictEqual([]);
  });

  test('gives out all that its parts are', () => {
    const given = new Set(reached('streams/index.ts', { later: false }).map(({ path }) => path));
    const missing = modulesUnder('streams').filter(({ path }) => !given.has(path));
    expect(missing.map(({ path }) => path)).toStrictEqual([]);
  });
});

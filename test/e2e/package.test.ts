import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  compile,
  install,
  tempProject,
  tempPackage,
  pack,
  type TempProject,
  runProgram,
  devTool,
} from './support/packageFixture.js';

let place: TempProject;
let tarball: string;

beforeAll(async () => {
  place = tempProject();
  tarball = await pack(place.path);
});
afterAll(() => {
  place.remove();
});

test('publint and are-the-types-wrong find no problems in the package', async () => {
  await runProgram(place.path, process.execPath, devTool('publint/src/cli.js'), 'run', tarball, '--strict');
  const attw = devTool('@arethetypeswrong/cli/dist/index.js');
  await runProgram(place.path, process.execPath, attw, tarball, '--profile', 'esm-only');
});

const PROGRAM = `
import { map, switchMap } from 'rxjs';
import { createOpenSession } from 'rxchat';
import 'rxchat/history';
import 'rxchat/relay';
import 'rxchat/streams';
import { FAKE_INVITE, fakePlatform, fakeRelay, marbles } from 'rxchat/testing';

marbles(
  ({ expectObservable }) => {
    const session$ = createOpenSession(fakePlatform(fakeRelay({ faults: '10ms cut' })))(FAKE_INVITE, { nick: 'alice' });
    const type$ = session$.pipe(
      switchMap(({ state$ }) => state$),
      map(({ type }) => type),
    );
    const c = 'connecting';
    expectObservable(type$).toBe('c--n------f 499ms c--n', { c, n: 'online', f: 'offline' });
  },
  {
    equal: (actual, expected) => {
      if (JSON.stringify(actual) !== JSON.stringify(expected)) throw new Error(JSON.stringify(actual));
    },
    untilMs: 1000,
  },
);
console.log('as drawn');
`;

/** Does not apply to `rxchat/history`: lmdb, on which it depends, keeps two globals of its own. */
const IDLE = `
const before = Object.getOwnPropertyNames(globalThis).join();
const events = process.eventNames().join();
for (const entry of ['rxchat', 'rxchat/relay', 'rxchat/streams', 'rxchat/testing'])
  await import(entry);
const after = Object.getOwnPropertyNames(globalThis).join();
const keys = [];
for (const key in '') keys.push(key);
const busy = process.getActiveResourcesInfo().filter((each) => /Timeout|Immediate|TCP|Server/.test(each));
console.log(JSON.stringify([before === after, events === process.eventNames().join(), keys, busy]));
`;

test('the package works and compiles with RxJS 7.4.0, and importing it has no side effects', async () => {
  const project = tempPackage();
  try {
    await install(project.path, tarball, 'rxjs@7.4.0');
    const { version } = JSON.parse(
      readFileSync(join(project.path, 'node_modules/rxjs/package.json'), 'utf8'),
    ) as { version: string };
    expect(version).toBe('7.4.0');
    writeFileSync(join(project.path, 'idle.mjs'), IDLE);
    expect(await runProgram(project.path, process.execPath, 'idle.mjs')).toBe('[true,true,[],[]]\n');
    writeFileSync(join(project.path, 'program.ts'), PROGRAM);
    // 7.4.0 does not declare the place of its types in its exports, so the compiler needs it.
    const types = './node_modules/rxjs/dist/types';
    const paths = { rxjs: [`${types}/index.d.ts`], 'rxjs/testing': [`${types}/testing/index.d.ts`] };
    await compile(project.path, { paths });
    expect(await runProgram(project.path, process.execPath, 'program.js')).toBe('as drawn\n');
  } finally {
    project.remove();
  }
});

/** The exports of a package with its own declarations: types from each entry that it does not name. */
const EXPORTS = `
import { createServer } from 'node:http';
import { switchMap } from 'rxjs';
import { ConnectionError, joinRoom, LimitError, listenTls, openSession, ProtocolError, RefusedError, relay, shareSession } from 'rxchat';
import * as browser from 'rxchat/browser';
import { lmdbHistory } from 'rxchat/history';
import { acceptWebSockets, listenWeb, relay as relayAlone, webSocketConnection } from 'rxchat/relay';
import { fakePlatform, fakeRelay } from 'rxchat/testing';

export const session = (invite: string) => openSession(invite, { nick: 'a' }).pipe(shareSession());
export const message$ = (invite: string) => session(invite).pipe(switchMap((each) => each.message$));
export const event$ = (invite: string) => session(invite).pipe(switchMap((each) => each.event$));
export const roster$ = (invite: string) => session(invite).pipe(switchMap((each) => each.roster$));
export const chat = (invite: string) => joinRoom(invite, { nick: 'a' });
export const page$ = (invite: string) =>
  browser.openSession(invite, { nick: 'a' }).pipe(browser.shareSession(), switchMap((each) => each.message$));
export const inPage = (invite: string) => browser.joinRoom(invite, { nick: 'a' });
export const platform = browser.browserPlatform;
export const tls = listenTls;
export const served = relay();
export const alone = relayAlone({ limits: { maxConnections: 1 } });
export const web$ = listenWeb({ host: '127.0.0.1', port: 0 });
export const sockets$ = acceptWebSockets(createServer());
export const adapter = webSocketConnection;
export const history$ = lmdbHistory({ dir: 'data' });
export const fake = fakeRelay();
export const faked = fakePlatform(fake);
export const isKnown = (error: unknown) =>
  [LimitError, ConnectionError, ProtocolError, RefusedError, browser.LimitError, browser.RefusedError].some(
    (each) => error instanceof each,
  );
`;

test.each([{ module: 'nodenext' }, { module: 'esnext', moduleResolution: 'bundler' }])(
  'a package that re-exports values of rxchat gets declarations, with $module',
  async (resolution) => {
    const project = tempPackage();
    try {
      await install(project.path, tarball, 'rxjs@7');
      writeFileSync(join(project.path, 'exports.ts'), EXPORTS);
      await compile(project.path, { ...resolution, declaration: true });
      // A compiler must find the types that it reads again.
      writeFileSync(join(project.path, 'use.ts'), `export { message$ } from './exports.js';`);
      await compile(project.path, { ...resolution, declaration: true });
    } finally {
      project.remove();
    }
  },
);

test('the command runs without RxJS installed', async () => {
  const project = tempPackage();
  try {
    await install(project.path, tarball, '--legacy-peer-deps');
    expect(await runProgram(project.path, 'npm', 'ls', '--parseable')).not.toMatch(/node_modules\/rxjs$/m);
    const bin = join(project.path, 'node_modules/rxchat/dist/bin/rxchat.js');
    expect(await runProgram(project.path, process.execPath, bin, 'invite')).toMatch(
      /^rxchat:\/\/127\.0\.0\.1:55555\/#/,
    );
  } finally {
    project.remove();
  }
});

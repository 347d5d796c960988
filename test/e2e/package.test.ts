import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  compile,
  install,
  newPlace,
  newProject,
  pack,
  type Place,
  runIn,
  tool,
} from './support/installed.js';

let place: Place;
let tarball: string;

beforeAll(async () => {
  place = newPlace();
  tarball = await pack(place.path);
}, 120_000);
afterAll(() => {
  place.remove();
});

test('publint and are-the-types-wrong find nothing', async () => {
  await runIn(place.path, process.execPath, tool('publint/src/cli.js'), 'run', tarball, '--strict');
  const attw = tool('@arethetypeswrong/cli/dist/index.js');
  await runIn(place.path, process.execPath, attw, tarball, '--profile', 'esm-only');
}, 180_000);

const PROGRAM = `
import { map, switchMap } from 'rxjs';
import { connectOn } from 'rxchat';
import 'rxchat/history';
import 'rxchat/relay';
import 'rxchat/streams';
import { FAKE_INVITE, fakePlatform, fakeRelay, marbles } from 'rxchat/testing';

marbles(
  ({ expectObservable }) => {
    const here$ = connectOn(fakePlatform(fakeRelay({ faults: '10ms cut' })))(FAKE_INVITE, { nick: 'alice' });
    const type$ = here$.pipe(
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
    until: 1000,
  },
);
console.log('as drawn');
`;

/** Of `rxchat/history` it does not hold: lmdb, on which it stands, keeps two globals of its own. */
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

test('works and compiles with RxJS 7.4.0, and importing it does nothing', async () => {
  const project = newProject();
  try {
    await install(project.path, tarball, 'rxjs@7.4.0');
    const { version } = JSON.parse(
      readFileSync(join(project.path, 'node_modules/rxjs/package.json'), 'utf8'),
    ) as { version: string };
    expect(version).toBe('7.4.0');
    writeFileSync(join(project.path, 'idle.mjs'), IDLE);
    expect(await runIn(project.path, process.execPath, 'idle.mjs')).toBe('[true,true,[],[]]\n');
    writeFileSync(join(project.path, 'program.ts'), PROGRAM);
    // 7.4.0 does not say in its exports where its types are; a compiler has to be told.
    const types = './node_modules/rxjs/dist/types';
    const paths = { rxjs: [`${types}/index.d.ts`], 'rxjs/testing': [`${types}/testing/index.d.ts`] };
    await compile(project.path, { paths });
    expect(await runIn(project.path, process.execPath, 'program.js')).toBe('as drawn\n');
  } finally {
    project.remove();
  }
}, 180_000);

/** What a package that has declarations of its own exports: types that it does not name, out of each entry. */
const EXPORTS = `
import { createServer } from 'node:http';
import { switchMap } from 'rxjs';
import { connect, LimitError, LinkError, listenTls, ProtocolError, RefusedError, relay, room, shareSession } from 'rxchat';
import * as browser from 'rxchat/browser';
import { lmdbHistory } from 'rxchat/history';
import { listenWeb, relay as relayAlone, webSocketConnection, webSocketsOf } from 'rxchat/relay';
import { fakePlatform, fakeRelay } from 'rxchat/testing';

export const session = (invite: string) => connect(invite, { nick: 'a' }).pipe(shareSession());
export const message$ = (invite: string) => session(invite).pipe(switchMap((each) => each.message$));
export const heard$ = (invite: string) => session(invite).pipe(switchMap((each) => each.heard$));
export const member$ = (invite: string) => session(invite).pipe(switchMap((each) => each.member$));
export const chat = (invite: string) => room(invite, { nick: 'a' });
export const page$ = (invite: string) =>
  browser.connect(invite, { nick: 'a' }).pipe(browser.shareSession(), switchMap((each) => each.message$));
export const inPage = (invite: string) => browser.room(invite, { nick: 'a' });
export const platform = browser.browserPlatform;
export const tls = listenTls;
export const served = relay();
export const alone = relayAlone({ connections: 1 });
export const web$ = listenWeb({ host: '127.0.0.1', port: 0 });
export const beside$ = webSocketsOf(createServer());
export const adapter = webSocketConnection;
export const kept$ = lmdbHistory({ dir: 'data' });
export const fake = fakeRelay();
export const faked = fakePlatform(fake);
export const isKnown = (error: unknown) =>
  [LimitError, LinkError, ProtocolError, RefusedError, browser.LimitError, browser.RefusedError].some(
    (each) => error instanceof each,
  );
`;

test.each([{ module: 'nodenext' }, { module: 'esnext', moduleResolution: 'bundler' }])(
  'a package that exports what it makes of it has declarations, with $module',
  async (resolution) => {
    const project = newProject();
    try {
      await install(project.path, tarball, 'rxjs@7');
      writeFileSync(join(project.path, 'exports.ts'), EXPORTS);
      await compile(project.path, { ...resolution, declaration: true });
      // Those that a compiler reads must be found by it again.
      writeFileSync(join(project.path, 'use.ts'), `export { message$ } from './exports.js';`);
      await compile(project.path, { ...resolution, declaration: true });
    } finally {
      project.remove();
    }
  },
  180_000,
);

test('the command has what it needs with it, where RxJS is not installed', async () => {
  const project = newProject();
  try {
    await install(project.path, tarball, '--legacy-peer-deps');
    expect(await runIn(project.path, 'npm', 'ls', '--parseable')).not.toMatch(/node_modules\/rxjs$/m);
    const bin = join(project.path, 'node_modules/rxchat/dist/bin/rxchat.js');
    expect(await runIn(project.path, process.execPath, bin, 'invite')).toMatch(
      /^rxchat:\/\/127\.0\.0\.1:55555\/#/,
    );
  } finally {
    project.remove();
  }
}, 180_000);

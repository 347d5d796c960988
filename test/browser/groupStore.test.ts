import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import type { BrowserContext, Page } from 'playwright-core';
import { cleanUp, onCleanup } from '../e2e/support/cleanup.js';
import { sharedByTests } from '../e2e/support/sharedByTests.js';
import { inChromium, openBrowser, openPage } from './support/chromium.js';

afterEach(cleanUp);

/** Opens stores in a page, as `openRoom(group)`, `saveState(text)` and `closeRoom()`. */
const DRIVER = `
  import { lastValueFrom, firstValueFrom, Observable, share, ReplaySubject } from 'rxjs';
  import { openGroupStore } from './src/page/groupStore.ts';

  const textOf = (bytes) => new TextDecoder().decode(bytes);
  const resultOf = (promise) => promise.then((value) => value, (error) => error.name + ': ' + error.message);
  let subscription;
  let store;
  window.openRoom = (group) => resultOf(new Promise((resolve, reject) => {
    subscription = openGroupStore(group).subscribe({
      next: (opened) => {
        store = opened;
        const { loaded, deviceSeed, isPersistent } = opened;
        const state = loaded.kind === 'loaded' ? ' ' + textOf(loaded.state) : '';
        resolve({ found: loaded.kind + state, device: [...deviceSeed].join(), isPersistent });
      },
      error: reject,
    });
  }));
  window.closeRoom = () => subscription.unsubscribe();
  window.saveState = (text) =>
    resultOf(lastValueFrom(store.save(new TextEncoder().encode(text)), { defaultValue: 'saved' }));
  window.clearState = () => resultOf(lastValueFrom(store.clear(), { defaultValue: 'cleared' }));
  window.database = () => new Promise((resolve) => {
    indexedDB.open('rxchat').onsuccess = ({ target }) => resolve(target.result);
  });
  window.readValue = async (store, key) => {
    const database = await window.database();
    return new Promise((resolve) => {
      database.transaction(store).objectStore(store).get(key).onsuccess = ({ target }) => {
        database.close();
        resolve(target.result);
      };
    });
  };
  window.writeValue = async (store, key, value) => {
    const database = await window.database();
    return new Promise((resolve) => {
      const transaction = database.transaction(store, 'readwrite');
      transaction.objectStore(store).put(value, key);
      transaction.oncomplete = () => { database.close(); resolve(); };
    });
  };
`;

interface Opened {
  readonly found: string;
  readonly device: string;
  readonly isPersistent: boolean;
}

const startServer = sharedByTests(async () => {
  const { outputFiles } = await build({
    stdin: { contents: DRIVER, resolveDir: fileURLToPath(new URL('../..', import.meta.url)) },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
  });
  const server = createServer((request, response) => {
    const isScript = request.url === '/driver.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(
      isScript ? outputFiles[0]!.text : '<link rel="icon" href="data:,"><script src="driver.js"></script>',
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
});

const openTab = async (context: BrowserContext, host = '127.0.0.1'): Promise<Page> =>
  openPage(context, `http://${host}:${await startServer()}/`);

const openRoom = (page: Page, group = 'tea'): Promise<Opened> =>
  page.evaluate<Opened>(`openRoom(${JSON.stringify(group)})`);
const saveState = (page: Page, text: string): Promise<string> =>
  page.evaluate<string>(`saveState(${JSON.stringify(text)})`);

const origins = [
  { name: 'a page with TLS or on this machine', host: '127.0.0.1' },
  { name: 'a page without TLS, for which browsers have no locks and no WebCrypto', host: 'chat.test' },
];

inChromium('the store of a group room', () => {
  test.each(origins)('is found again after a reload of $name', async ({ host }) => {
    const tab = await openTab(await openBrowser(), host);
    expect(await tab.evaluate('isSecureContext')).toBe(host === '127.0.0.1');
    const first = await openRoom(tab);
    expect(first).toMatchObject({ found: 'missing', isPersistent: true });
    expect(await saveState(tab, 'one')).toBe('saved');
    expect(await saveState(tab, 'two')).toBe('saved');
    await tab.reload();
    expect(await openRoom(tab)).toStrictEqual({ ...first, found: 'loaded two' });
    await tab.evaluate('closeRoom()');
    // The device is the same in all rooms, the state is not.
    expect(await openRoom(tab, 'coffee')).toStrictEqual(first);
  });

  test.each(origins)(
    'is gone after it was cleared, and a save that follows brings nothing back on $name',
    async ({ host }) => {
      const tab = await openTab(await openBrowser(), host);
      await openRoom(tab);
      await saveState(tab, 'one');
      // The save begins before the state is deleted, and encrypting takes it past that.
      const results = await tab.evaluate(`Promise.all([saveState('two'), clearState(), saveState('three')])`);
      expect(results).toContain('cleared');
      expect(await saveState(tab, 'four')).toMatch(/^StateError/);
      await tab.reload();
      expect((await openRoom(tab)).found).toBe('missing');
      expect(await saveState(tab, 'five')).toBe('saved');
    },
  );

  test('is encrypted, with a key that no script can export in a secure context', async () => {
    const context = await openBrowser();
    const tab = await openTab(context);
    await openRoom(tab);
    await saveState(tab, 'the state');
    const stored = `readValue('states', 'tea').then(({ ciphertext }) => new TextDecoder().decode(ciphertext))`;
    expect(await tab.evaluate(stored)).not.toContain('state');
    const exported = `readValue('keys', 'state').then((key) => crypto.subtle.exportKey('raw', key)).catch(({ name }) => name)`;
    expect(await tab.evaluate(exported)).toBe('InvalidAccessError');
    const insecure = await openTab(context, 'chat.test');
    await openRoom(insecure);
    await saveState(insecure, 'the state');
    expect(await insecure.evaluate(stored)).not.toContain('state');
    expect(await insecure.evaluate(`readValue('keys', 'state').then(({ length }) => length)`)).toBe(32);
  });

  test('waits for the disk, and fails if nothing is stored', async () => {
    const tab = await openTab(await openBrowser());
    await tab.evaluate(`{
      const begin = IDBDatabase.prototype.transaction;
      window.durabilities = new Set();
      IDBDatabase.prototype.transaction = function (...given) {
        const transaction = begin.apply(this, given);
        window.durabilities.add(transaction.durability);
        return transaction;
      };
    }`);
    await openRoom(tab);
    await saveState(tab, 'one');
    expect(await tab.evaluate('[...durabilities]')).toStrictEqual(['strict']);
    // As if the disk were full.
    await tab.evaluate(`{
      const put = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = function (...given) {
        const request = put.apply(this, given);
        this.transaction.abort();
        return request;
      };
    }`);
    expect(await saveState(tab, 'two')).toMatch(/^StateError: .* could not store/);
    await tab.reload();
    expect((await openRoom(tab)).found).toBe('loaded one');
    expect(await tab.evaluate(`saveState('x'.repeat(4194305))`)).toMatch(/the limit is 4194304/);
  });

  test('reports a damaged state, and keeps the device', async () => {
    const tab = await openTab(await openBrowser());
    const first = await openRoom(tab, 'coffee');
    await saveState(tab, 'of another group');
    await tab.evaluate('closeRoom()');
    await openRoom(tab);
    await saveState(tab, 'one');
    await tab.evaluate('closeRoom()');
    const damages = [
      `stored.ciphertext[3] ^= 1`,
      `stored.ciphertext = stored.ciphertext.slice(0, 4)`,
      `stored.nonce = stored.nonce.slice(1)`,
      `stored.version = 2`,
      `stored = 'text'`,
      `stored = await readValue('states', 'coffee')`,
    ];
    for (const damage of damages) {
      await tab.evaluate(`(async () => {
        const valid = await readValue('states', 'tea');
        let stored = structuredClone(valid);
        ${damage};
        await writeValue('states', 'tea', stored);
        window.valid = valid;
      })()`);
      expect([damage, await openRoom(tab)]).toStrictEqual([damage, { ...first, found: 'damaged' }]);
      await tab.evaluate(`closeRoom(); writeValue('states', 'tea', valid)`);
    }
    expect((await openRoom(tab)).found).toBe('loaded one');
    await tab.evaluate(`closeRoom(); writeValue('keys', 'device', 'text')`);
    const second = await openRoom(tab);
    expect(second.found).toBe('loaded one');
    expect(second.device).not.toBe(first.device);
    await tab.evaluate('closeRoom()');
    expect((await openRoom(tab)).device).toBe(second.device);
  });

  test.each(origins)('belongs to one tab of $name', async ({ host }) => {
    const context = await openBrowser();
    const [first, second] = [await openTab(context, host), await openTab(context, host)];
    await openRoom(first);
    await saveState(first, 'one');
    expect(await openRoom(second)).toBe(
      'StateError: this room is open in another tab of this browser; use that tab',
    );
    expect(await openRoom(second, 'coffee')).toMatchObject({ found: 'missing' });
    await second.evaluate('closeRoom()');
    await first.close();
    expect(await openRoom(second)).toMatchObject({ found: 'loaded one' });
  });

  test('is never written by a tab that lost its lock', async () => {
    const context = await openBrowser();
    const [first, second] = [await openTab(context, 'chat.test'), await openTab(context, 'chat.test')];
    await openRoom(first);
    await saveState(first, 'one');
    // As if the browser had suspended the first tab.
    await second.evaluate(
      `window.BroadcastChannel = class extends EventTarget { postMessage() {} close() {} }`,
    );
    expect(await openRoom(second)).toMatchObject({ found: 'loaded one' });
    expect(await saveState(first, 'two')).toBe(
      'StateError: this room was opened in another tab of this browser; use that tab',
    );
    expect(await saveState(second, 'three')).toBe('saved');
    await first.evaluate('closeRoom()');
    await second.reload();
    expect((await openRoom(second)).found).toBe('loaded three');
  });

  test.each([
    ['has no database', 'delete Window.prototype.indexedDB; delete window.indexedDB'],
    [
      'rejects its database',
      `IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError') }`,
    ],
  ])('is in memory if the browser %s', async (_name, script) => {
    const context = await openBrowser();
    await context.addInitScript(script);
    const tab = await openTab(context);
    const first = await openRoom(tab);
    expect(first).toMatchObject({ found: 'missing', isPersistent: false });
    expect(await saveState(tab, 'one')).toBe('saved');
    await tab.reload();
    const second = await openRoom(tab);
    expect(second.found).toBe('missing');
    expect(second.device).not.toBe(first.device);
  });
});

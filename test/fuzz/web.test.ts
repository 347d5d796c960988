import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { lastValueFrom, ReplaySubject, type Subscription, switchMap, take, tap } from 'rxjs';
import type { Address } from '../../src/util/address.js';
import { relay } from '../../src/relay/relay.js';
import type { ListenerFault } from '../../src/net/listener.js';
import { createPageListener } from '../../src/net/web/pageFiles.js';
import { listenWeb } from '../../src/net/web/listenWeb.js';
import { chooseSeed } from '../support/seed.js';
import { corpusOf } from './campaign.js';
import { mutate } from './mutate.js';
import { random } from './random.js';
import { WEB_TARGETS } from './targets/web.js';

/** Inputs for each target, in addition to the corpus. Each is a connection. */
const RUNS = Math.min(20_000, Number(process.env['RXCHAT_FUZZ_RUNS'] ?? 300));
const CONCURRENCY = 20;

const seed = chooseSeed(1);

const WORDS: readonly Buffer[] = [
  ...['//', 'http://[', '/\\', '?', '#', '%', '/rxchat', 'Upgrade: ', 'websocket', 'h2c', 'Origin: ', 'null'],
  ...['Host: ', 'Connection: ', '\r\n', '\r\n\r\n', 'Transfer-Encoding: chunked', 'Content-Length: -1', '\0'],
  ...['\x82\xff', '\x88\x80', '\xff'],
].map((word) => Buffer.from(word, 'latin1'));

const HANDSHAKE = corpusOf({ name: 'http', dictionary: [], run: String }).find(
  ([file]) => file === 'upgrade.b64',
)?.[1];

let address: Address;
let serving: Subscription | undefined;
const reportedFaults: ListenerFault[] = [];
const errors: unknown[] = [];
const uncaught = (error: unknown) => errors.push(error);

beforeAll(async () => {
  const bound = new ReplaySubject<Address>(1);
  serving = listenWeb({ host: '127.0.0.1', port: 0 }, { page: createPageListener(), handshakeTimeoutMs: 200 })
    .pipe(
      tap((listener) => {
        bound.next(listener.address);
        listener.fault$.subscribe((fault) => reportedFaults.push(fault));
      }),
      switchMap(({ connection$ }) => connection$.pipe(relay({ timing: { handshakeTimeoutMs: 200 } }))),
    )
    .subscribe({ error: uncaught });
  process.on('uncaughtException', uncaught);
  address = await lastValueFrom(bound.pipe(take(1)));
});
afterAll(() => {
  process.off('uncaughtException', uncaught);
  serving?.unsubscribe();
});

/** Sends the input, and waits until the relay has closed the connection. */
const send = (...parts: readonly Uint8Array[]): Promise<unknown> => {
  const socket = connect(address);
  socket.on('error', () => undefined).resume();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const part of parts) socket.write(part);
  // An ended client waits for nothing more.
  socket.end();
  return closed;
};

const stillServes = async (): Promise<number | undefined> => {
  const [response] = (await once(get(address), 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
};

describe.each(WEB_TARGETS)('what a stranger sends to the HTTP side (%s)', (name) => {
  test(
    'closes that connection and nothing else',
    async () => {
      const dice = random(seed);
      const corpus = corpusOf({ name, dictionary: [], run: String }).map(([, input]) => input);
      const inputs = Array.from({ length: corpus.length + RUNS }, (_, n) =>
        n < corpus.length ? corpus[n]! : mutate(dice.pick(corpus), dice, dice.pick(corpus), WORDS),
      );
      for (let at = 0; at < inputs.length; at += CONCURRENCY) {
        const some = inputs.slice(at, at + CONCURRENCY);
        await Promise.all(some.map((input) => (name === 'http' ? send(input) : send(HANDSHAKE!, input))));
        const faults = reportedFaults.filter(({ type }) => type !== 'origin-refused');
        if (errors.length > 0 || faults.length > 0)
          throw new Error(
            [`RXCHAT_SEED=${seed}`, ...errors.map(String), JSON.stringify(faults)]
              .concat(some.map((input) => input.toString('base64')))
              .join('\n'),
          );
      }
      expect(await stillServes()).toBe(200);
    },
    300_000 + 50 * RUNS,
  );
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { tempDir } from '../../e2e/support/child.js';
import { onCleanup } from '../../e2e/support/cleanup.js';
import { readStream } from '../../e2e/support/streamOutput.js';
import { CHROMIUM, FLAGS } from './chromium.js';

/** A tab of a browser with the usual throttling: its timers are slow while other tabs hide it. */
export interface Tab {
  /** Evaluates an expression in the page, and awaits a promise. */
  readonly evaluate: <T>(expression: string) => Promise<T>;
  /** The number of WebSockets that the page has opened. */
  readonly sockets: () => number;
}

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/**
 * A Chromium of its own, driven by the DevTools protocol: Playwright's never throttles timers, and each of its pages
 * counts as visible. `open` opens a tab in front of all others.
 */
export const openTabs = async (): Promise<{ readonly open: (url: string) => Promise<Tab> }> => {
  const child = spawn(
    CHROMIUM ?? '',
    [
      ...FLAGS,
      // Throttled as after five minutes, so that the test takes two.
      '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/5',
      '--remote-debugging-port=0',
      `--user-data-dir=${tempDir()}`,
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  onCleanup(async () => {
    const ended = once(child, 'exit');
    if (child.kill('SIGKILL')) await ended;
  });
  const [url = ''] = await readStream(child.stderr).until(({ text }) => /ws:\/\/\S+/.exec(text));
  const socket = new WebSocket(url);
  onCleanup(() => socket.close());
  await once(socket, 'open');

  let requested = 0;
  const waiting = new Map<number, (answer: Answer) => void>();
  const sockets = new Map<string, number>();
  const loading = new Map<string, () => void>();
  socket.on('message', (data: Buffer) => {
    const answer = JSON.parse(data.toString()) as Answer;
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
    const { method, sessionId = '' } = answer;
    if (method === 'Network.webSocketCreated') sockets.set(sessionId, (sockets.get(sessionId) ?? 0) + 1);
    if (method === 'Page.loadEventFired') loading.get(sessionId)?.();
  });
  const send = async <T>(method: string, params: object = {}, sessionId?: string): Promise<T> => {
    const id = (requested += 1);
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params, sessionId }));
    const { result, error } = await answered;
    waiting.delete(id);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as T;
  };

  return {
    open: async (page) => {
      const { targetId } = await send<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = await send<{ sessionId: string }>('Target.attachToTarget', {
        targetId,
        flatten: true,
      });
      await send('Network.enable', {}, sessionId);
      await send('Page.enable', {}, sessionId);
      // An expression that is evaluated before the page has replaced the blank one would be lost with that.
      const loaded = new Promise<void>((resolve) => loading.set(sessionId, resolve));
      await send('Page.navigate', { url: page }, sessionId);
      await loaded;
      return {
        sockets: () => sockets.get(sessionId) ?? 0,
        evaluate: async <T>(expression: string): Promise<T> => {
          const { result, exceptionDetails } = await send<{
            result: { value: T };
            exceptionDetails?: { text: string };
          }>('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId);
          if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
          return result.value;
        },
      };
    },
  };
};

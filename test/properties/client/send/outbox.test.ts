import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { outbox, type QueuedMessage, type StoredMessage } from '../../../../streams/client/send/outbox.js';
import type { Token } from '../../../../streams/client/envelope/cipher.js';
import {
  type Welcome,
  type Action,
  actions,
  previousRun,
  type PreviousRun,
  type LossyClient,
  lossyRelay,
} from '../../../support/lossyRelay.js';

const queued = (name: string): QueuedMessage => ({
  type: 'queued',
  lines: [name],
  token: name as Token,
  bytes: 1,
});

/** A minimal user of an outbox: requests after a gap, sends pending tokens once everything is read. */
const sender =
  (settled: (stored: readonly StoredMessage[]) => void) =>
  (write: (line: string) => void, restored: readonly string[]): LossyClient => {
    const box = outbox(restored.map(queued));
    let at: { log: string; n: number } | undefined = { log: 'log0', n: 0 };
    let end: number | undefined;
    let live = false;

    const ask = () => {
      if (live && box.isUncertain && box.tryPing()) write('PING');
    };
    const reach = (n: number) => {
      at = { log: at?.log ?? '', n };
      if (end === undefined || n + 1 < end) return;
      end = undefined;
      live = true;
      box.takeUnsent().forEach(write);
    };

    return {
      get after() {
        return at;
      },
      onWelcome: ({ log, from, next }: Welcome) => {
        at = { log, n: from - 1 };
        end = next;
        reach(from - 1);
      },
      send: (name) => {
        box.add(queued(name), live);
        if (live) write(name);
      },
      onHeartbeat: () => {
        if (box.tryPing()) write('PING');
      },
      receive: (sent) => {
        if (sent.type === 'entry') {
          settled(box.onEcho(sent.line as Token, sent.position));
          reach(sent.position);
        } else if (sent.type === 'gap') {
          box.onGap();
          reach(sent.to);
          ask();
        } else {
          settled(box.onPong());
          ask();
        }
      },
      onClose: () => {
        live = false;
        end = undefined;
        box.onDisconnect();
      },
    };
  };

/** Runs the actions and returns the confirmed tokens; each was added, sent and stored in the log. */
const play = (plan: readonly Action[], before?: PreviousRun) => {
  const settled: string[] = [];
  const faults: string[] = [];
  const relay = lossyRelay(
    sender((stored) => {
      for (const { token, position } of stored) {
        if (settled.includes(token)) faults.push(`${token} is settled twice`);
        if (!relay.stored.has(token)) faults.push(`${token} is settled and not stored`);
        if (position === undefined && !relay.hidden.has(token)) faults.push(`no gap hides ${token}`);
        if (position !== undefined && relay.log[position - 1] !== token)
          faults.push(`${token} is not at ${position}`);
        settled.push(token);
      }
    }),
    before,
  );
  plan.forEach(relay.perform);
  relay.settle();
  expect([...faults, ...relay.violations]).toStrictEqual([]);
  return { relay, settled };
};

const RUNS = { numRuns: 600 };

test('each token is confirmed once, in order, and not before it was stored', () => {
  fc.assert(
    fc.property(actions({ but: ['drop'] }), previousRun, (plan, before) => {
      const { relay, settled } = play(plan, before);
      expect(settled).toStrictEqual(relay.sent);
    }),
    RUNS,
  );
});

test('no token is in one log twice without a gap', () => {
  fc.assert(
    fc.property(actions({ but: ['drop', 'pass', 'repeat', 'lose', 'wipe'] }), previousRun, (plan, before) => {
      const { log } = play(plan, before).relay;
      expect(new Set(log).size).toBe(log.length);
    }),
    RUNS,
  );
});

test('a token that a relay drops without a gap is not confirmed, and is resent over another connection', () => {
  fc.assert(
    fc.property(actions({ but: ['pass'] }), (plan) => {
      const { relay, settled } = play(plan);
      relay.perform({ do: 'cut', n: 0 });
      relay.settle();
      expect(settled.toSorted()).toStrictEqual(relay.sent.toSorted());
    }),
    RUNS,
  );
});

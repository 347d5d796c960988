import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { outbox, type Said, type Stored } from '../../streams/client/outbox.js';
import type { Token } from '../../streams/client/cipher.js';
import {
  type Begun,
  type Deed,
  deeds,
  earlier,
  type Earlier,
  type LossyClient,
  lossyRelay,
} from '../support/lossyRelay.js';

const said = (name: string): Said => ({ type: 'said', lines: [name], token: name as Token, bytes: 1 });

/** The least that uses an outbox: asks after a gap, sends what is pending once all is read. */
const speaker =
  (settled: (stored: readonly Stored[]) => void) =>
  (write: (line: string) => void, restored: readonly string[]): LossyClient => {
    const box = outbox(restored.map(said));
    let at: { log: string; n: number } | undefined = { log: 'log0', n: 0 };
    let end: number | undefined;
    let live = false;

    const ask = () => {
      if (live && box.isUncertain && box.ping()) write('PING');
    };
    const reach = (n: number) => {
      at = { log: at?.log ?? '', n };
      if (end === undefined || n + 1 < end) return;
      end = undefined;
      live = true;
      box.send().forEach(write);
    };

    return {
      get after() {
        return at;
      },
      welcome: ({ log, from, next }: Begun) => {
        at = { log, n: from - 1 };
        end = next;
        reach(from - 1);
      },
      say: (name) => {
        box.add(said(name), live);
        if (live) write(name);
      },
      beat: () => {
        if (box.ping()) write('PING');
      },
      hear: (sent) => {
        if (sent.type === 'entry') {
          settled(box.echo(sent.line as Token, sent.position));
          reach(sent.position);
        } else if (sent.type === 'gap') {
          box.gap();
          reach(sent.to);
          ask();
        } else {
          settled(box.pong());
          ask();
        }
      },
      hangUp: () => {
        live = false;
        end = undefined;
        box.hangUp();
      },
    };
  };

/** Plays it, and gives what was settled; of that, each was said, was sent and is in the log, or was. */
const play = (plan: readonly Deed[], before?: Earlier) => {
  const settled: string[] = [];
  const faults: string[] = [];
  const relay = lossyRelay(
    speaker((stored) => {
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
  plan.forEach(relay.act);
  relay.settle();
  expect([...faults, ...relay.faults]).toStrictEqual([]);
  return { relay, settled };
};

const RUNS = { numRuns: 600 };

test('whatever happens, each token is settled once, in order, and none before it was stored', () => {
  fc.assert(
    fc.property(deeds({ but: ['drop'] }), earlier, (plan, before) => {
      const { relay, settled } = play(plan, before);
      expect(settled).toStrictEqual(relay.said);
    }),
    RUNS,
  );
});

test('without a gap and with a log that lasts nothing is in the log twice', () => {
  fc.assert(
    fc.property(deeds({ but: ['drop', 'pass', 'repeat', 'lose', 'wipe'] }), earlier, (plan, before) => {
      const { log } = play(plan, before).relay;
      expect(new Set(log).size).toBe(log.length);
    }),
    RUNS,
  );
});

test('what a relay drops without a gap is not settled, and is sent again over another connection', () => {
  fc.assert(
    fc.property(deeds({ but: ['pass'] }), (plan) => {
      const { relay, settled } = play(plan);
      relay.act({ do: 'cut', n: 0 });
      relay.settle();
      expect(settled.toSorted()).toStrictEqual(relay.said.toSorted());
    }),
    RUNS,
  );
});

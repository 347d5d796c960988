import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Token } from '../../streams/client/cipher.js';
import { type Event, membership, type Noticed } from '../../streams/client/membership.js';
import type { Said } from '../../streams/client/outbox.js';
import type { SignedEnvelope } from '../../streams/client/envelope.js';
import { transcript } from '../../streams/client/transcript.js';
import { type Witnessed, witness } from '../../streams/client/witness.js';
import { decodeTextLossy } from '../../streams/wire/utf8.js';
import {
  type Begun,
  type Deed,
  deeds,
  earlier,
  type Earlier,
  type LossyClient,
  lossyRelay,
} from '../support/lossyRelay.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { welcome } from '../support/heard.js';
import { ALICE, BOB, fakeHash, runOf, signed } from '../support/people.js';

const RUN = runOf(1);
const EARLIER = runOf(2);

const said = (name: string): Said => ({ type: 'said', lines: [name], token: name as Token, bytes: 1 });

/** A membership at a relay; tokens are as short as their lines. */
const member =
  (notice: (noticed: readonly Noticed[]) => void) =>
  (write: (line: string) => void, restored: readonly string[]): LossyClient => {
    const { key } = ALICE;
    const one = membership({ run: RUN, key, after: { log: 'log0', n: 0 }, restored: restored.map(said) });
    const read = transcript({ hash: fakeHash });
    const judge = witness({ key }, read);
    /** What each token has in it: who said it, numbered, and what was read by then. */
    const envelopes = new Map<string, SignedEnvelope>();
    const counters = new Map<string, number>();
    const seal = (name: string, session: string, more: Partial<SignedEnvelope> = {}) => {
      const counter = (counters.get(session) ?? 0) + 1;
      counters.set(session, counter);
      const author = session === RUN || session === EARLIER ? ALICE : BOB;
      const envelope = signed({ key: author.key, session, counter, lines: [name], signature: name, ...more });
      envelopes.set(name, envelope);
      return envelope;
    };
    for (const name of restored) seal(name, EARLIER);
    const hear = (event: Exclude<Event, Witnessed>) => {
      read.read(event as Parameters<typeof read.read>[0]);
      notice(one.hear(event));
    };
    return {
      get after() {
        return one.from.after;
      },
      welcome: (begun: Begun) => {
        one.attach({
          ...fakeConnection(),
          write: (bytes) => {
            write(
              decodeTextLossy(bytes)
                .slice(0, -1)
                .replace(/^PING .*/, 'PING'),
            );
            return true;
          },
        });
        hear(welcome(begun));
      },
      say: (name) => {
        const seen = read.claim();
        seal(name, RUN, { stored: one.stored, ...(seen && { seen }) });
        notice([one.say({ token: name as Token, lines: [name] })]);
      },
      beat: () => {
        one.ping();
      },
      hear: (sent) => {
        if (sent.type === 'pong') hear({ type: 'pong', n: 0 });
        else if (sent.type === 'gap') hear(sent);
        else {
          const { position, line } = sent;
          const token = line as Token;
          const envelope = envelopes.get(line) ?? seal(line, runOf(3));
          read.read({ type: 'token', position, token });
          notice(one.hear(judge({ type: 'opened', position, token, envelope })));
        }
      },
      hangUp: () => {
        one.detach();
      },
    };
  };

/** Plays it, and gives the log and what was noticed. */
const play = (plan: readonly Deed[], before?: Earlier) => {
  const noticed: Noticed[] = [];
  const relay = lossyRelay(
    member((more) => noticed.push(...more)),
    before,
  );
  plan.forEach(relay.act);
  relay.settle();
  expect(relay.faults).toStrictEqual([]);
  return { relay, noticed };
};

/** The texts of one sort of what was noticed. */
const texts = (noticed: readonly Noticed[], type: 'said' | 'stored' | 'message'): string[] =>
  noticed.flatMap((each) => {
    if (each.type !== type) return [];
    return each.type === 'message' ? [each.text] : each.lines;
  });

const RUNS = { numRuns: 500 };

test('what is said is stored, each once and in order, whatever becomes of the connections and of the log', () => {
  fc.assert(
    fc.property(deeds({ but: ['drop'] }), earlier, (plan, before) => {
      const { relay, noticed } = play(plan, before);
      expect(texts(noticed, 'said').toSorted()).toStrictEqual(relay.said.toSorted());
      expect(texts(noticed, 'stored')).toStrictEqual(relay.said);
      // What is gone before anybody has read it, receipt or not, is a hole for whoever reads on: that is no false alarm.
      const alarms = noticed.filter(
        (each) => each.type === 'alarm' && (each.reason !== 'hole' || relay.vanished.size === 0),
      );
      expect(alarms).toStrictEqual([]);
    }),
    RUNS,
  );
});

test('no message is heard twice, and of one’s own each is known for what it is', () => {
  fc.assert(
    fc.property(deeds(), (plan) => {
      const { noticed } = play(plan);
      const heard = texts(noticed, 'message');
      expect(new Set(heard).size).toBe(heard.length);
      const own = noticed.filter((each) => each.type === 'message' && each.own);
      expect(texts(own, 'message')).toStrictEqual(heard.filter((text) => text.startsWith('own')));
    }),
    RUNS,
  );
});

test('where the log lasts, all of it is heard in order, but for what a gap tells', () => {
  fc.assert(
    fc.property(deeds({ but: ['drop', 'lose', 'wipe'] }), earlier, (plan, before) => {
      const { relay, noticed } = play(plan, before);
      // A gap is as many as it hides; a repeat is one that was there before.
      const heard = noticed.flatMap((each): (string | undefined)[] => {
        if (each.type === 'message') return [each.text];
        if (each.type === 'repeated') return [relay.log[each.position - 1]];
        return each.type === 'gap' ? Array<undefined>(each.to - each.from + 1).fill(undefined) : [];
      });
      expect(heard).toStrictEqual(relay.log.map((line, at) => (heard[at] === undefined ? undefined : line)));
      expect(noticed.map(({ type }) => type)).not.toContain('log-changed');
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

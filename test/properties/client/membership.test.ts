import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Token } from '../../../streams/client/envelope/cipher.js';
import type { MembershipOutput } from '../../../streams/client/clientEvent.js';
import { type AuditedMessage, type MembershipInput, membership } from '../../../streams/client/membership.js';
import { type QueuedMessage, toQueued } from '../../../streams/client/send/outbox.js';
import type { SignedEnvelope } from '../../../streams/client/envelope/envelope.js';
import { transcript } from '../../../streams/client/integrity/transcript.js';
import { auditor } from '../../../streams/client/integrity/auditor.js';
import { decodeTextLossy } from '../../../streams/wire/encoding.js';
import {
  type Welcome,
  type Action,
  actions,
  previousRun,
  type PreviousRun,
  type LossyClient,
  lossyRelay,
} from '../../support/lossyRelay.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { welcomeEvent } from '../../support/clientEvents.js';
import { ALICE, BOB, fakeHash, senderSessionOf, signedEnvelope } from '../../support/envelopes.js';

const SENDER_SESSION = senderSessionOf(1);
const EARLIER = senderSessionOf(2);

const queued = (name: string): QueuedMessage => ({
  type: 'queued',
  lines: [name],
  token: name as Token,
  bytes: 1,
});

/** A membership at a relay; tokens are as short as their lines. */
const member =
  (notice: (noticed: readonly MembershipOutput[]) => void) =>
  (write: (line: string) => void, restored: readonly string[]): LossyClient => {
    const { key } = ALICE;
    const one = membership({
      senderSession: SENDER_SESSION,
      key,
      after: { log: 'log0', n: 0 },
      pendingMessages: restored.map(queued),
    });
    const read = transcript({ hash: fakeHash });
    const audit = auditor({ key }, read);
    /** The content of each token: its sender, its number, and what the sender had read. */
    const envelopes = new Map<string, SignedEnvelope>();
    const counters = new Map<string, number>();
    const seal = (name: string, session: string, more: Partial<SignedEnvelope> = {}) => {
      const counter = (counters.get(session) ?? 0) + 1;
      counters.set(session, counter);
      const author = session === SENDER_SESSION || session === EARLIER ? ALICE : BOB;
      const envelope = signedEnvelope({
        key: author.key,
        session,
        counter,
        lines: [name],
        signature: name,
        ...more,
      });
      envelopes.set(name, envelope);
      return envelope;
    };
    for (const name of restored) seal(name, EARLIER);
    const receiveEvent = (event: Exclude<MembershipInput, AuditedMessage>) => {
      read.read(event as Parameters<typeof read.read>[0]);
      notice(one.handle(event));
    };
    return {
      get after() {
        return one.resumePoint.after;
      },
      onWelcome: (started: Welcome) => {
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
        receiveEvent(welcomeEvent(started));
      },
      send: (name) => {
        const seen = read.summary();
        seal(name, SENDER_SESSION, { stored: one.storedCount, ...(seen && { seen }) });
        const message = toQueued({ token: name as Token, lines: [name] });
        one.send(message);
        notice([message]);
      },
      onHeartbeat: () => {
        one.ping();
      },
      receive: (sent) => {
        if (sent.type === 'pong') receiveEvent({ type: 'pong', n: 0 });
        else if (sent.type === 'gap') receiveEvent(sent);
        else {
          const { position, line } = sent;
          const token = line as Token;
          const envelope = envelopes.get(line) ?? seal(line, senderSessionOf(3));
          read.read({ type: 'token', position, token });
          notice(
            one.handle({
              type: 'opened',
              position,
              token,
              envelope,
              ...audit({ position, envelope, contentId: envelope.signature }),
            }),
          );
        }
      },
      onClose: () => {
        one.detach();
      },
    };
  };

/** Runs the actions, and returns the log and the outputs. */
const play = (plan: readonly Action[], before?: PreviousRun) => {
  const noticed: MembershipOutput[] = [];
  const relay = lossyRelay(
    member((more) => noticed.push(...more)),
    before,
  );
  plan.forEach(relay.perform);
  relay.settle();
  expect(relay.violations).toStrictEqual([]);
  return { relay, noticed };
};

/** Returns the texts of one type of output. */
const texts = (noticed: readonly MembershipOutput[], type: 'queued' | 'stored' | 'message'): string[] =>
  noticed.flatMap((each) => {
    if (each.type !== type) return [];
    return each.type === 'message' ? [each.text] : each.lines;
  });

const RUNS = { numRuns: 500 };

test('messages are stored once and in order, for any connections and logs', () => {
  fc.assert(
    fc.property(actions({ but: ['drop'] }), previousRun, (plan, before) => {
      const { relay, noticed } = play(plan, before);
      expect(texts(noticed, 'queued').toSorted()).toStrictEqual(relay.sent.toSorted());
      expect(texts(noticed, 'stored')).toStrictEqual(relay.sent);
      // An entry dropped before anybody read it is a gap for later readers, with or without a receipt: no false alarm.
      const alarms = noticed.filter(
        (each) => each.type === 'alarm' && (each.reason !== 'hole' || relay.lost.size === 0),
      );
      expect(alarms).toStrictEqual([]);
    }),
    RUNS,
  );
});

test('no message is emitted twice, and own messages are marked as own', () => {
  fc.assert(
    fc.property(actions(), (plan) => {
      const { noticed } = play(plan);
      const received = texts(noticed, 'message');
      expect(new Set(received).size).toBe(received.length);
      const own = noticed.filter((each) => each.type === 'message' && each.own);
      expect(texts(own, 'message')).toStrictEqual(received.filter((text) => text.startsWith('own')));
    }),
    RUNS,
  );
});

test('all entries of one log are emitted in order, except those of gaps', () => {
  fc.assert(
    fc.property(actions({ but: ['drop', 'lose', 'wipe'] }), previousRun, (plan, before) => {
      const { relay, noticed } = play(plan, before);
      // A gap counts the entries that it hides; a repeat is an entry that was there before.
      const received = noticed.flatMap((each): (string | undefined)[] => {
        if (each.type === 'message') return [each.text];
        if (each.type === 'duplicate') return [relay.log[each.position - 1]];
        return each.type === 'gap' ? Array<undefined>(each.to - each.from + 1).fill(undefined) : [];
      });
      expect(received).toStrictEqual(
        relay.log.map((line, at) => (received[at] === undefined ? undefined : line)),
      );
      expect(noticed.map(({ type }) => type)).not.toContain('log-changed');
    }),
    RUNS,
  );
});

test('no message is in one log twice without a gap', () => {
  fc.assert(
    fc.property(actions({ but: ['drop', 'pass', 'repeat', 'lose', 'wipe'] }), previousRun, (plan, before) => {
      const { log } = play(plan, before).relay;
      expect(new Set(log).size).toBe(log.length);
    }),
    RUNS,
  );
});

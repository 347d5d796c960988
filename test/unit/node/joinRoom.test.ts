import os from 'node:os';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { of, Subject, throwError } from 'rxjs';
import {
  createInvite,
  deriveRoomKeys,
  formatInvite,
  type Invite,
  InviteError,
  nodeCipher,
  parseInvite,
  joinRoom,
  type JoinRoomOptions,
  verifySignature,
} from '../../../src/index.js';
import {
  type Connection,
  type Envelope,
  type ClientEvent,
  type Hello,
  ConnectionError,
  type QueuedMessage,
  type OutgoingMessage,
  type Token,
} from '../../../streams/index.js';
import { decodeEnvelope } from '../../../streams/client/envelope/envelope.js';
import { proofMessage, parseHello, formatWelcome } from '../../../streams/wire/handshake.js';
import { type FakeConnection, fakeConnection } from '../../support/fakeConnection.js';
import { bytes, relayLines as wire, NONCE, SESSION, token } from '../../support/wire.js';

const invite = parseInvite(formatInvite(createInvite({ host: 'chat.example.org', port: 4000 })));
const { room: name, fernetKey } = deriveRoomKeys(invite.secret);

const GREETING = bytes(wire['N']!);
const WELCOME = bytes(
  formatWelcome({
    log: 'log',
    next: 5,
    first: 1,
    from: 5,
    durability: 'memory',
    count: 1,
    members: ['alice'],
  }),
);

/** The longest delay in ms before the first retry. */
const WAIT = 1000;

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** Joins a room with a fake relay; `come` is the input of the newest connection. */
const begin = (more: Partial<JoinRoomOptions> = {}, where: Invite | string = invite) => {
  const requested: Invite[] = [];
  const links: FakeConnection[] = [];
  let chunk$ = new Subject<Uint8Array>();
  const connect = (to: Invite) => {
    requested.push(to);
    chunk$ = new Subject();
    const link = fakeConnection({ chunk$ });
    links.push(link);
    return of<Connection>(link);
  };
  const outgoing$ = new Subject<string | OutgoingMessage>();
  const events: ClientEvent[] = [];
  const ends: unknown[] = [];
  const subscription = outgoing$.pipe(joinRoom(where, { nick: 'alice', connect, ...more })).subscribe({
    next: (each) => events.push(each),
    error: (error: unknown) => ends.push(error),
    complete: () => ends.push('complete'),
  });
  return {
    requested,
    links,
    events,
    ends,
    subscription,
    outgoing$,
    come: (...chunks: Uint8Array[]) => {
      for (const chunk of chunks) chunk$.next(chunk);
    },
    lose: () => {
      chunk$.error(new ConnectionError('reset'));
    },
  };
};

/** The client's answer to the greeting. */
const helloOf = (link: FakeConnection | undefined): Hello => parseHello(link!.writes[0]!.slice(0, -1));

/** Decrypts a written token. */
const read = (written: string | undefined): Envelope => {
  const opened = nodeCipher().open(fernetKey, written!.slice(0, -1) as Token);
  if (typeof opened === 'string') throw new Error(opened);
  return decodeEnvelope(opened)!;
};

describe('joinRoom', () => {
  test.each([
    ['an invite', invite],
    ['its text', formatInvite(invite)],
  ])('connects to the relay of %s, and joins with a proof', (_name, where) => {
    const { come, requested, links } = begin({}, where);
    come(GREETING);
    expect(requested).toStrictEqual([invite]);
    const { proof, ...hello } = helloOf(links[0]);
    expect(hello).toMatchObject({ nick: 'alice', room: name });
    expect(verifySignature(name, proofMessage({ ...hello, nonce: NONCE, binding: '' }), proof)).toBe(true);
  });

  test('errors with an invalid invite when it is subscribed', () => {
    const { ends, requested } = begin({}, 'rxchat://chat.example.org/');
    expect(ends).toStrictEqual([expect.any(InviteError)]);
    expect(requested).toStrictEqual([]);
  });

  test('errors without a connection for the invite of a group room, if the device is missing', () => {
    const group = 'A'.repeat(43);
    for (const each of [{ ...invite, group }, formatInvite({ ...invite, group })]) {
      const { ends, requested } = begin({}, each);
      expect(ends).toStrictEqual([
        expect.objectContaining({ name: 'TypeError', message: expect.stringContaining('`group`') }),
      ]);
      expect(requested).toStrictEqual([]);
    }
  });

  test('sends where to start reading', () => {
    const after = begin({ after: { log: '*', n: 7 } });
    after.come(GREETING);
    expect(helloOf(after.links[0])).toMatchObject({ after: { log: '*', n: 7 } });
    const last = begin({ last: 3 });
    last.come(GREETING);
    expect(helloOf(last.links[0])).toMatchObject({ last: 3 });
  });

  test('seals a message of text or several lines with the key of the room', () => {
    const { come, outgoing$, links, events } = begin();
    come(GREETING, WELCOME);
    outgoing$.next('hello');
    outgoing$.next({ lines: ['what', 'now'] });
    const [, first, second] = links[0]!.writes;
    expect(read(first)).toMatchObject({ nick: 'alice', counter: 1, lines: ['hello'] });
    expect(read(second)).toMatchObject({ nick: 'alice', counter: 2, lines: ['what', 'now'] });
    come(bytes(first!.slice(0, -1)));
    expect(events.map(({ type }) => type)).toStrictEqual([
      'welcome',
      'queued',
      'queued',
      'message',
      'stored',
    ]);
    expect(events[3]).toMatchObject({ position: 5, text: 'hello', own: true });
  });

  test('reconnects after a lost connection, unless retry is false', () => {
    const { come, lose, links, requested, events, ends, outgoing$ } = begin();
    come(GREETING, WELCOME);
    outgoing$.next('hello');
    lose();
    expect(events.map(({ type }) => type)).toStrictEqual(['welcome', 'queued', 'offline']);
    jest.advanceTimersByTime(WAIT);
    expect(requested).toStrictEqual([invite, invite]);
    come(GREETING, WELCOME);
    expect(helloOf(links[1])).toMatchObject({ after: { log: 'log', n: 4 } });
    expect(links[1]!.writes[1]).toBe(links[0]!.writes[1]);
    expect(ends).toStrictEqual([]);

    const once = begin({ retry: false });
    once.come(GREETING, WELCOME);
    once.lose();
    expect(once.ends).toStrictEqual([new ConnectionError('reset')]);
    const reported = begin({ retry: false });
    reported.come(GREETING, WELCOME, bytes('BYE shutdown 1000'));
    expect(reported.ends).toStrictEqual(['complete']);
    jest.advanceTimersByTime(60_000);
    expect(once.links).toHaveLength(1);
    expect(reported.links).toHaveLength(1);
  });

  test('probes the connection after the machine slept, and reconnects when nothing answers', () => {
    const awake = jest.spyOn(os, 'uptime').mockReturnValue(100);
    try {
      const { come, events, links } = begin();
      come(GREETING, WELCOME);
      jest.advanceTimersByTime(10_001);
      come(bytes('PING 4'));
      awake.mockReturnValue(3700);
      jest.advanceTimersByTime(1000);
      expect(links[0]!.writes.slice(1)).toStrictEqual(['PONG 4\n', 'PING 4\n']);
      jest.advanceTimersByTime(4000);
      expect(links).toHaveLength(1);
      jest.advanceTimersByTime(101);
      expect(events.at(-1)).toMatchObject({ type: 'offline', reason: 'the relay did not answer' });
      expect(links).toHaveLength(2);
    } finally {
      awake.mockRestore();
    }
  });

  test.each([3_600_000, -3_600_000])('ignores a change of the time of day by %i ms', (ms) => {
    const { come, events, links } = begin();
    come(GREETING, WELCOME);
    jest.setSystemTime(Date.now() + ms);
    jest.advanceTimersByTime(14_000);
    expect(links[0]!.writes).toHaveLength(1);
    come(bytes('PING 4'));
    jest.advanceTimersByTime(14_000);
    expect(links).toHaveLength(1);
    expect(events.map(({ type }) => type)).toStrictEqual(['welcome']);
  });

  test.each([3_600_000, -3_600_000])(
    'ignores a change of the time of day by %i ms for the uptime of a connection',
    (ms) => {
      const random = jest.spyOn(Math, 'random').mockReturnValue(0);
      try {
        const { come, lose, events } = begin();
        for (const retryMs of [500, 1000]) {
          come(GREETING, WELCOME);
          jest.setSystemTime(Date.now() + ms);
          lose();
          expect(events.at(-1)).toMatchObject({ type: 'offline', retryMs });
          jest.advanceTimersByTime(retryMs);
        }
        come(GREETING, WELCOME);
        jest.advanceTimersByTime(10_000);
        jest.setSystemTime(Date.now() - ms);
        lose();
        expect(events.at(-1)).toMatchObject({ type: 'offline', retryMs: 500 });
      } finally {
        random.mockRestore();
      }
    },
  );

  test('reconnects immediately when retry$ emits during a long delay', () => {
    const retry$ = new Subject<void>();
    const { come, lose, links } = begin({ retry$ });
    come(GREETING, WELCOME, bytes('BYE shutdown 60000'));
    lose();
    expect(links).toHaveLength(1);
    retry$.next();
    expect(links).toHaveLength(2);
  });

  test('keeps a working connection when retry$ emits', () => {
    const retry$ = new Subject<void>();
    const { come, links } = begin({ retry$ });
    come(GREETING, WELCOME);
    retry$.next();
    come(bytes('PONG 4'));
    jest.advanceTimersByTime(6000);
    expect(links).toHaveLength(1);
    expect(links[0]!.writes).toHaveLength(2);
  });

  test('waits for a random delay, so that clients of one relay do not reconnect together', () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
    try {
      const { come, lose, events } = begin();
      come(GREETING, WELCOME);
      lose();
      expect(events.at(-1)).toMatchObject({ type: 'offline', retryMs: 750 });
    } finally {
      random.mockRestore();
    }
  });

  test('errors when the relay was never reached, and when it rejects the join', () => {
    const unreached = new ConnectionError('cannot reach it');
    expect(begin({ connect: () => throwError(() => unreached) }).ends).toStrictEqual([unreached]);
    const broken = new TypeError('no such transport');
    const faulty = begin({
      connect: () => {
        throw broken;
      },
    });
    expect(faulty.ends).toStrictEqual([broken]);
    const refused = begin();
    refused.come(GREETING, bytes('ERR nick-taken no'));
    // Without an identity, the other member may be the same program.
    expect(refused.ends).toMatchObject([
      { code: 'nick-taken', message: expect.stringMatching(/^no; .*another subscription of yours/) },
    ]);
  });

  test('sends BYE and leaves no timer when it is unsubscribed', () => {
    const { come, links, subscription } = begin();
    come(GREETING, WELCOME);
    subscription.unsubscribe();
    expect(links[0]!.writes.at(-1)).toBe('BYE leaving 0\n');
    expect(jest.getTimerCount()).toBe(0);
  });

  test('probes a silent relay after the chosen heartbeat', () => {
    const { come, links, events } = begin({ heartbeatMs: 200 });
    come(GREETING, WELCOME);
    jest.advanceTimersByTime(200);
    expect(links[0]!.writes.slice(1)).toContain('PING 4\n');
    jest.advanceTimersByTime(200);
    expect(events.at(-1)).toMatchObject({ type: 'offline', reason: 'the connection is silent' });

    const patient = begin();
    patient.come(GREETING, WELCOME);
    jest.advanceTimersByTime(14_000);
    expect(patient.links[0]!.writes).toHaveLength(1);
    jest.advanceTimersByTime(16_000);
    expect(patient.events.at(-1)).toMatchObject({ reason: 'the connection is silent' });
  });

  test('ignores the silence of the relay while isPaused returns true', () => {
    let pending = true;
    const { come, links, events } = begin({ heartbeatMs: 200, isPaused: () => pending });
    come(GREETING, WELCOME);
    jest.advanceTimersByTime(10_000);
    expect(links[0]!.writes.slice(1)).not.toContain('PING 4\n');
    expect(events.at(-1)).toMatchObject({ type: 'welcome' });
    pending = false;
    jest.advanceTimersByTime(400);
    expect(events.at(-1)).toMatchObject({ type: 'offline', reason: 'the connection is silent' });
  });
});

describe('the session', () => {
  test('is the same for all connections, and another one for each room', () => {
    const { come, lose, links } = begin();
    come(GREETING, WELCOME);
    lose();
    jest.advanceTimersByTime(WAIT);
    come(GREETING);
    expect(helloOf(links[1]).session).toBe(helloOf(links[0]).session);

    const other = begin();
    other.come(GREETING);
    expect(helloOf(other.links[0]).session).not.toBe(helloOf(links[0]).session);
  });

  test('differs for each subscription of the same operator', () => {
    const links: FakeConnection[] = [];
    const chunk$ = new Subject<Uint8Array>();
    const connect = () => {
      const link = fakeConnection({ chunk$ });
      links.push(link);
      return of<Connection>(link);
    };
    const alone = new Subject<string>().pipe(joinRoom(invite, { nick: 'alice', connect }));
    const both = [alone.subscribe(), alone.subscribe()];
    chunk$.next(GREETING);
    expect(helloOf(links[1]).session).not.toBe(helloOf(links[0]).session);
    for (const each of both) each.unsubscribe();
  });

  test('is sent to the relay only; messages name the run, which is the same for all connections', () => {
    const { come, lose, links, outgoing$ } = begin({ session: SESSION });
    come(GREETING, WELCOME);
    outgoing$.next('a');
    lose();
    jest.advanceTimersByTime(WAIT);
    outgoing$.next('b');
    come(GREETING, WELCOME);
    expect(helloOf(links[1]).session).toBe(SESSION);
    const [, a, b] = links[1]!.writes;
    expect(read(a)).toMatchObject({ counter: 1, lines: ['a'] });
    expect(read(b)).toMatchObject({ counter: 2, lines: ['b'], session: read(a).session });
    expect(read(a).session).not.toBe(SESSION);
    expect(read(a).session).toHaveLength(22);
  });

  test('of an earlier run is continued by a new run, and its pending messages are sent', () => {
    const queued: QueuedMessage = { type: 'queued', lines: ['x'], token: token('x') as Token, bytes: 101 };
    const runs = [1, 2].map(() => {
      const { come, links, events, outgoing$ } = begin({ restored: { session: SESSION, pending: [queued] } });
      come(GREETING, WELCOME);
      outgoing$.next('a');
      expect(helloOf(links[0]).session).toBe(SESSION);
      expect(events.slice(0, 2)).toMatchObject([{ type: 'welcome' }, queued]);
      expect(links[0]!.writes[1]).toBe(`${queued.token}\n`);
      return read(links[0]!.writes[2]).session;
    });
    expect(new Set([...runs, SESSION]).size).toBe(3);
  });

  test('option takes precedence over the session of an earlier run', () => {
    const other = SESSION.replace(/^./, 'B');
    const { come, links } = begin({ session: other, restored: { session: SESSION, pending: [] } });
    come(GREETING);
    expect(helloOf(links[0]).session).toBe(other);
  });
});

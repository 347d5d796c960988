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
  room,
  type RoomOptions,
  verifyProof,
} from '../../src/index.js';
import {
  type Connection,
  decodeEnvelope,
  type Envelope,
  type Heard,
  type Hello,
  LinkError,
  proofMessage,
  readHello,
  type Said,
  type Say,
  type Token,
  welcomeLine,
} from '../../streams/index.js';
import { type FakeConnection, fakeConnection } from '../support/fakeConnection.js';
import { bytes, heard as wire, NONCE, SESSION, token } from '../support/wire.js';

const invite = parseInvite(formatInvite(createInvite({ host: 'chat.example.org', port: 4000 })));
const { room: name, fernetKey } = deriveRoomKeys(invite.secret);

const GREETING = bytes(wire['N']!);
const WELCOME = bytes(
  welcomeLine({ log: 'log', next: 5, first: 1, from: 5, durability: 'memory', count: 1, members: ['alice'] }),
);

/** The longest first wait for another connection, in ms. */
const WAIT = 1000;

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** Somebody who uses a room, and the relay's side of it: `come` is what comes over the newest connection. */
const begin = (more: Partial<RoomOptions> = {}, where: Invite | string = invite) => {
  const asked: Invite[] = [];
  const links: FakeConnection[] = [];
  let chunk$ = new Subject<Uint8Array>();
  const connect = (to: Invite) => {
    asked.push(to);
    chunk$ = new Subject();
    const link = fakeConnection({ chunk$ });
    links.push(link);
    return of<Connection>(link);
  };
  const say$ = new Subject<string | Say>();
  const heard: Heard[] = [];
  const ends: unknown[] = [];
  const subscription = say$.pipe(room(where, { nick: 'alice', connect, ...more })).subscribe({
    next: (each) => heard.push(each),
    error: (error: unknown) => ends.push(error),
    complete: () => ends.push('complete'),
  });
  return {
    asked,
    links,
    heard,
    ends,
    subscription,
    say$,
    come: (...chunks: Uint8Array[]) => {
      for (const chunk of chunks) chunk$.next(chunk);
    },
    lose: () => {
      chunk$.error(new LinkError('reset'));
    },
  };
};

/** The answer to the greeting. */
const helloOf = (link: FakeConnection | undefined): Hello => readHello(link!.writes[0]!.slice(0, -1));

/** What is in a token that was written. */
const read = (written: string | undefined): Envelope => {
  const opened = nodeCipher().open(fernetKey, written!.slice(0, -1) as Token);
  if (typeof opened === 'string') throw new Error(opened);
  return decodeEnvelope(opened)!;
};

describe('room', () => {
  test.each([
    ['an invite', invite],
    ['its text', formatInvite(invite)],
  ])('goes where %s says, and comes in with a proof', (_name, where) => {
    const { come, asked, links } = begin({}, where);
    come(GREETING);
    expect(asked).toStrictEqual([invite]);
    const { proof, ...hello } = helloOf(links[0]);
    expect(hello).toMatchObject({ nick: 'alice', room: name });
    expect(verifyProof(name, proofMessage({ ...hello, nonce: NONCE, binding: '' }), proof)).toBe(true);
  });

  test('an invite that is none is an error, once it is used', () => {
    const { ends, asked } = begin({}, 'rxchat://chat.example.org/');
    expect(ends).toStrictEqual([expect.any(InviteError)]);
    expect(asked).toStrictEqual([]);
  });

  test('says where to begin', () => {
    const after = begin({ after: { log: '*', n: 7 } });
    after.come(GREETING);
    expect(helloOf(after.links[0])).toMatchObject({ after: { log: '*', n: 7 } });
    const last = begin({ last: 3 });
    last.come(GREETING);
    expect(helloOf(last.links[0])).toMatchObject({ last: 3 });
  });

  test('seals what is said, a text or several lines, with the key of the room', () => {
    const { come, say$, links, heard } = begin();
    come(GREETING, WELCOME);
    say$.next('hello');
    say$.next({ lines: ['what', 'now'] });
    const [, first, second] = links[0]!.writes;
    expect(read(first)).toMatchObject({ nick: 'alice', counter: 1, lines: ['hello'] });
    expect(read(second)).toMatchObject({ nick: 'alice', counter: 2, lines: ['what', 'now'] });
    come(bytes(first!.slice(0, -1)));
    expect(heard.map(({ type }) => type)).toStrictEqual(['welcome', 'said', 'said', 'message', 'stored']);
    expect(heard[3]).toMatchObject({ position: 5, text: 'hello', own: true });
  });

  test('makes a connection that is lost anew, unless it is told not to', () => {
    const { come, lose, links, asked, heard, ends, say$ } = begin();
    come(GREETING, WELCOME);
    say$.next('hello');
    lose();
    expect(heard.map(({ type }) => type)).toStrictEqual(['welcome', 'said', 'offline']);
    jest.advanceTimersByTime(WAIT);
    expect(asked).toStrictEqual([invite, invite]);
    come(GREETING, WELCOME);
    expect(helloOf(links[1])).toMatchObject({ after: { log: 'log', n: 4 } });
    expect(links[1]!.writes[1]).toBe(links[0]!.writes[1]);
    expect(ends).toStrictEqual([]);

    const once = begin({ retry: false });
    once.come(GREETING, WELCOME);
    once.lose();
    expect(once.ends).toStrictEqual([new LinkError('reset')]);
    const told = begin({ retry: false });
    told.come(GREETING, WELCOME, bytes('BYE shutdown 1000'));
    expect(told.ends).toStrictEqual(['complete']);
    jest.advanceTimersByTime(60_000);
    expect(once.links).toHaveLength(1);
    expect(told.links).toHaveLength(1);
  });

  test('asks over it when a machine was asleep, and makes it anew if nothing answers', () => {
    const awake = jest.spyOn(os, 'uptime').mockReturnValue(100);
    try {
      const { come, heard, links } = begin();
      come(GREETING, WELCOME);
      jest.advanceTimersByTime(10_001);
      come(bytes('PING 4'));
      awake.mockReturnValue(3700);
      jest.advanceTimersByTime(1000);
      expect(links[0]!.writes.slice(1)).toStrictEqual(['PONG 4\n', 'PING 4\n']);
      jest.advanceTimersByTime(4000);
      expect(links).toHaveLength(1);
      jest.advanceTimersByTime(101);
      expect(heard.at(-1)).toMatchObject({ type: 'offline', reason: 'the relay did not answer' });
      expect(links).toHaveLength(2);
    } finally {
      awake.mockRestore();
    }
  });

  test.each([3_600_000, -3_600_000])('a time of day that is set by %i ms changes nothing', (ms) => {
    const { come, heard, links } = begin();
    come(GREETING, WELCOME);
    jest.setSystemTime(Date.now() + ms);
    jest.advanceTimersByTime(14_000);
    expect(links[0]!.writes).toHaveLength(1);
    come(bytes('PING 4'));
    jest.advanceTimersByTime(14_000);
    expect(links).toHaveLength(1);
    expect(heard.map(({ type }) => type)).toStrictEqual(['welcome']);
  });

  test.each([3_600_000, -3_600_000])('nor how long a link counts as having been up: %i ms', (ms) => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0);
    try {
      const { come, lose, heard } = begin();
      for (const retryMs of [500, 1000]) {
        come(GREETING, WELCOME);
        jest.setSystemTime(Date.now() + ms);
        lose();
        expect(heard.at(-1)).toMatchObject({ type: 'offline', retryMs });
        jest.advanceTimersByTime(retryMs);
      }
      come(GREETING, WELCOME);
      jest.advanceTimersByTime(10_000);
      jest.setSystemTime(Date.now() - ms);
      lose();
      expect(heard.at(-1)).toMatchObject({ type: 'offline', retryMs: 500 });
    } finally {
      random.mockRestore();
    }
  });

  test('makes it anew at once where one asks for that, be the wait long', () => {
    const retry$ = new Subject<void>();
    const { come, lose, links } = begin({ retry$ });
    come(GREETING, WELCOME, bytes('BYE shutdown 60000'));
    lose();
    expect(links).toHaveLength(1);
    retry$.next();
    expect(links).toHaveLength(2);
  });

  test('does not touch a link that is up where one asks for that', () => {
    const retry$ = new Subject<void>();
    const { come, links } = begin({ retry$ });
    come(GREETING, WELCOME);
    retry$.next();
    come(bytes('PONG 4'));
    jest.advanceTimersByTime(6000);
    expect(links).toHaveLength(1);
    expect(links[0]!.writes).toHaveLength(2);
  });

  test('waits by chance, so that those who lost a relay together do not come back together', () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
    try {
      const { come, lose, heard } = begin();
      come(GREETING, WELCOME);
      lose();
      expect(heard.at(-1)).toMatchObject({ type: 'offline', retryMs: 750 });
    } finally {
      random.mockRestore();
    }
  });

  test('is an error where nothing was ever reached, and where one is refused', () => {
    const unreached = new LinkError('cannot reach it');
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
    // Without an identity it may be oneself.
    expect(refused.ends).toMatchObject([
      { code: 'nick-taken', message: expect.stringMatching(/^no; .*another subscription of yours/) },
    ]);
  });

  test('unsubscribing says BYE and leaves no timer', () => {
    const { come, links, subscription } = begin();
    come(GREETING, WELCOME);
    subscription.unsubscribe();
    expect(links[0]!.writes.at(-1)).toBe('BYE leaving 0\n');
    expect(jest.getTimerCount()).toBe(0);
  });

  test('asks a silent relay after the heartbeat that was chosen', () => {
    const { come, links, heard } = begin({ heartbeat: 200 });
    come(GREETING, WELCOME);
    jest.advanceTimersByTime(200);
    expect(links[0]!.writes.slice(1)).toContain('PING 4\n');
    jest.advanceTimersByTime(200);
    expect(heard.at(-1)).toMatchObject({ type: 'offline', reason: 'nothing was heard for 400 ms' });

    const patient = begin();
    patient.come(GREETING, WELCOME);
    jest.advanceTimersByTime(14_000);
    expect(patient.links[0]!.writes).toHaveLength(1);
    jest.advanceTimersByTime(16_000);
    expect(patient.heard.at(-1)).toMatchObject({ reason: 'nothing was heard for 30000 ms' });
  });

  test('takes its own silence for its own: isHeld', () => {
    let held = true;
    const { come, links, heard } = begin({ heartbeat: 200, isHeld: () => held });
    come(GREETING, WELCOME);
    jest.advanceTimersByTime(10_000);
    expect(links[0]!.writes.slice(1)).not.toContain('PING 4\n');
    expect(heard.at(-1)).toMatchObject({ type: 'welcome' });
    held = false;
    jest.advanceTimersByTime(400);
    expect(heard.at(-1)).toMatchObject({ type: 'offline', reason: 'nothing was heard for 400 ms' });
  });
});

describe('the session', () => {
  test('is one for all connections, and another one for each room', () => {
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

  test('is another one for each subscription of the same operator', () => {
    const links: FakeConnection[] = [];
    const chunk$ = new Subject<Uint8Array>();
    const connect = () => {
      const link = fakeConnection({ chunk$ });
      links.push(link);
      return of<Connection>(link);
    };
    const alone = new Subject<string>().pipe(room(invite, { nick: 'alice', connect }));
    const both = [alone.subscribe(), alone.subscribe()];
    chunk$.next(GREETING);
    expect(helloOf(links[1]).session).not.toBe(helloOf(links[0]).session);
    for (const each of both) each.unsubscribe();
  });

  test('is told to the relay alone: what is said names the run, the same over all connections', () => {
    const { come, lose, links, say$ } = begin({ session: SESSION });
    come(GREETING, WELCOME);
    say$.next('a');
    lose();
    jest.advanceTimersByTime(WAIT);
    say$.next('b');
    come(GREETING, WELCOME);
    expect(helloOf(links[1]).session).toBe(SESSION);
    const [, a, b] = links[1]!.writes;
    expect(read(a)).toMatchObject({ counter: 1, lines: ['a'] });
    expect(read(b)).toMatchObject({ counter: 2, lines: ['b'], session: read(a).session });
    expect(read(a).session).not.toBe(SESSION);
    expect(read(a).session).toHaveLength(22);
  });

  test('of an earlier run is continued, by a run of its own, and what that said goes out', () => {
    const said: Said = { type: 'said', lines: ['x'], token: token('x') as Token, bytes: 101 };
    const runs = [1, 2].map(() => {
      const { come, links, heard, say$ } = begin({ restored: { session: SESSION, said: [said] } });
      come(GREETING, WELCOME);
      say$.next('a');
      expect(helloOf(links[0]).session).toBe(SESSION);
      expect(heard.slice(0, 2)).toMatchObject([{ type: 'welcome' }, said]);
      expect(links[0]!.writes[1]).toBe(`${said.token}\n`);
      return read(links[0]!.writes[2]).session;
    });
    expect(new Set([...runs, SESSION]).size).toBe(3);
  });

  test('that is given counts before that of an earlier run', () => {
    const other = SESSION.replace(/^./, 'B');
    const { come, links } = begin({ session: other, restored: { session: SESSION, said: [] } });
    come(GREETING);
    expect(helloOf(links[0]).session).toBe(other);
  });
});

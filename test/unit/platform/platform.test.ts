import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { NEVER, of, Subject } from 'rxjs';
import {
  createOpenSession,
  parseInvite,
  type Platform,
  createJoinRoom,
  type Session,
} from '../../../src/index.js';
import { asFernetKey, type FernetKey } from '../../../streams/client/index.js';

import { parseHello, formatWelcome } from '../../../streams/wire/handshake.js';
import { fakeSuite } from '../../../src/testing/fakeSuite.js';
import { fakeCipher } from '../../support/fakeCipher.js';
import { type FakeConnection, fakeConnection } from '../../support/fakeConnection.js';
import { packagesOf, reachableModules } from '../../support/imports.js';
import { ALICE, BOB, fakeHash, fakeVerify } from '../../support/envelopes.js';
import { bytes, relayLines as wire, LOBBY, PROOF } from '../../support/wire.js';

const INVITE = `rxchat://[::1]:55555/#${'A'.repeat(43)}`;

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

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

/** A platform without Node that records what it is asked for. */
const imagined = () => {
  const keys: FernetKey[] = [];
  const links: FakeConnection[] = [];
  let chunk$ = new Subject<Uint8Array>();
  let rendered = 0;
  const platform: Platform = {
    cipher: () => fakeCipher,
    suite: () => fakeSuite(() => 0),
    deriveRoomKeys: () => {
      const fernetKey = asFernetKey(new Uint8Array(32).fill(1));
      keys.push(fernetKey);
      return { room: LOBBY, fernetKey, sign: () => PROOF };
    },
    createIdentity: () => ALICE,
    signingKey: () => ALICE,
    verify: fakeVerify,
    hash: fakeHash,
    proveAccess: (token) => () => `shown-${token}`,
    randomBytes: (n) => new Uint8Array(n).fill((rendered += 1)),
    connect: () => {
      chunk$ = new Subject();
      links.push(fakeConnection({ chunk$ }));
      return of(links.at(-1)!);
    },
    random: () => 0,
    now: () => Date.now(),
    monotonicNow: () => performance.now(),
    resume$: NEVER,
  };
  return { platform, keys, links, come: (chunk: Uint8Array) => chunk$.next(chunk) };
};

describe('the platform', () => {
  test.each(['src/platform/createJoinRoom.ts', 'src/invite/inviteText.ts', 'src/invite/invite.ts'])(
    '%s reaches no module that names Node',
    (path) => {
      expect(packagesOf(reachableModules(path, { next: true }))).toStrictEqual(['rxjs']);
    },
  );

  test('supplies ciphers, keys, randomness and the connection of a room', () => {
    const { platform, links, come } = imagined();
    const received: unknown[] = [];
    const subscription = of('hello')
      .pipe(
        createJoinRoom(platform)(INVITE, {
          nick: 'alice',
          accessToken: 'token',
          known: new Map([['bob', BOB.key]]),
        }),
      )
      .subscribe({
        next: ({ type }) => received.push(type),
        error: (error: unknown) => received.push(error),
      });
    come(GREETING);
    come(WELCOME);
    subscription.unsubscribe();
    expect(received).toStrictEqual(['welcome', 'queued', 'input-complete']);
    const [hello = '', token = '', bye] = links[0]!.writes;
    expect(parseHello(hello.trim())).toStrictEqual({
      nick: 'alice',
      room: LOBBY,
      session: 'AQEBAQEBAQEBAQEBAQEBAQ',
      proof: PROOF,
      access: 'shown-token',
    });
    expect(token).toMatch(/^gAAAA/);
    expect(bye).toBe('BYE leaving 0\n');
  });

  test('the room key is overwritten when the room is left, separately for each subscription', () => {
    const { platform, keys, come } = imagined();
    const room$ = NEVER.pipe(createJoinRoom(platform)(INVITE, { nick: 'alice' }));
    const first = room$.subscribe();
    come(GREETING);
    come(WELCOME);
    const second = room$.subscribe();
    first.unsubscribe();
    expect(keys.map((key) => key[0])).toStrictEqual([0, 1]);
    expect(keys[0]!.every((byte) => byte === 0)).toBe(true);
    second.unsubscribe();
    expect(keys[1]!.every((byte) => byte === 0)).toBe(true);
  });
});

describe('openSession', () => {
  /** Opens a session and joins a room. */
  const enter = (more: { signal?: AbortSignal; maxPending?: number } = {}) => {
    const seen: unknown[] = [];
    const sessions: Session[] = [];
    const { platform, keys, links, come } = imagined();
    const here$ = createOpenSession(platform)(INVITE, { nick: 'alice', ...more });
    expect(links).toHaveLength(0);
    const listen = (here: Session) => {
      sessions.push(here);
      here.state$.subscribe({ next: (state) => seen.push(state), complete: () => seen.push('|') });
    };
    const subscription = here$.subscribe({
      next: listen,
      error: (error: unknown) => seen.push(error),
      complete: () => seen.push('complete'),
    });
    return { subscription, seen, here: sessions[0]!, keys, links, come };
  };

  test('emits a session that sends, receives and gets a receipt', () => {
    const { seen, here, links, come, subscription } = enter();
    const got: unknown[] = [];
    here.send('hello').subscribe({ next: (receipt) => got.push(receipt) });
    here.message$.subscribe((each) => got.push(each.type === 'message' ? each.text : each.type));
    come(GREETING);
    come(WELCOME);
    jest.advanceTimersByTime(7);
    come(bytes(links[0]!.writes[1]!.trim()));
    come(bytes('gAAAA'));
    expect(got).toStrictEqual(['hello', { position: 5, time: 7 }, 'undecryptable']);
    expect(seen).toStrictEqual([{ type: 'connecting' }, { type: 'online' }]);
    subscription.unsubscribe();
  });

  test.each([
    ['connecting', () => undefined],
    ['online', ({ come }: ReturnType<typeof enter>) => [GREETING, WELCOME].forEach(come)],
    [
      'offline',
      ({ come }: ReturnType<typeof enter>) => [GREETING, WELCOME, bytes('BYE shutdown 0')].forEach(come),
    ],
  ])('leaves no timer, socket or key when it is unsubscribed or aborted while %s', (type, act) => {
    const aborter = new AbortController();
    for (const end of ['unsubscribe', 'abort'] as const) {
      const started = enter({ signal: aborter.signal });
      act(started);
      expect(started.seen.at(-1)).toMatchObject({ type });
      expect(jest.getTimerCount()).toBeGreaterThan(0);
      if (end === 'abort') aborter.abort();
      else started.subscription.unsubscribe();
      expect(jest.getTimerCount()).toBe(0);
      const closed = [{ type: 'closed', reason: 'left' }, '|'];
      expect(started.seen.slice(-3)).toStrictEqual(
        end === 'abort' ? ['complete', ...closed].slice(-3) : [started.seen.at(-3), ...closed],
      );
      expect(started.keys[0]!.every((byte) => byte === 0)).toBe(true);
      let open = true;
      started.links[0]!.line$.subscribe({ complete: () => (open = false) });
      expect(open).toBe(false);
    }
  });

  test('does nothing with an aborted signal', () => {
    const { links, seen } = enter({ signal: AbortSignal.abort() });
    expect(links).toHaveLength(0);
    expect(seen).toStrictEqual(['complete']);
  });

  test('errors with an invalid invite', () => {
    const { platform } = imagined();
    const seen: unknown[] = [];
    createOpenSession(platform)('rxchat://', { nick: 'alice' }).subscribe({
      error: ({ name }: Error) => seen.push(name),
    });
    expect(seen).toStrictEqual(['InviteError']);
    expect(() => parseInvite('rxchat://')).toThrow();
  });
});

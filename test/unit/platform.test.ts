import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { NEVER, of, Subject } from 'rxjs';
import { connectOn, parseInvite, type Platform, roomOn, type Session } from '../../src/index.js';
import { asFernetKey, type FernetKey } from '../../streams/client/index.js';
import { readHello, welcomeLine } from '../../streams/wire/index.js';
import { fakeCipher } from '../support/fakeCipher.js';
import { type FakeConnection, fakeConnection } from '../support/fakeConnection.js';
import { packagesOf, reached } from '../support/imports.js';
import { ALICE, BOB, fakeHash, fakeVerify } from '../support/people.js';
import { bytes, heard as wire, LOBBY, PROOF } from '../support/wire.js';

const INVITE = `rxchat://[::1]:55555/#${'A'.repeat(43)}`;

const GREETING = bytes(wire['N']!);
const WELCOME = bytes(
  welcomeLine({ log: 'log', next: 5, first: 1, from: 5, durability: 'memory', count: 1, members: ['alice'] }),
);

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

/** A platform without Node in it, which lets one look on. */
const imagined = () => {
  const keys: FernetKey[] = [];
  const links: FakeConnection[] = [];
  let chunk$ = new Subject<Uint8Array>();
  let drawn = 0;
  const platform: Platform = {
    cipher: () => fakeCipher,
    deriveRoomKeys: () => {
      const fernetKey = asFernetKey(new Uint8Array(32).fill(1));
      keys.push(fernetKey);
      return { room: LOBBY, fernetKey, sign: () => PROOF };
    },
    createIdentity: () => ALICE,
    signingKey: () => ALICE,
    verify: fakeVerify,
    hash: fakeHash,
    showAccess: (token) => () => `shown-${token}`,
    randomBytes: (n) => new Uint8Array(n).fill((drawn += 1)),
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

describe('the seam to the platform', () => {
  test.each(['src/roomOn.ts', 'src/connectOn.ts', 'src/invite/text.ts', 'src/invite/lockedInvite.ts'])(
    'nothing that %s reaches names Node',
    (path) => {
      expect(packagesOf(reached(path, { later: true }))).toStrictEqual(['rxjs']);
    },
  );

  test('a room takes ciphers, keys, chance and its way to the relay from there', () => {
    const { platform, links, come } = imagined();
    const heard: unknown[] = [];
    const subscription = of('hello')
      .pipe(
        roomOn(platform)(INVITE, { nick: 'alice', accessToken: 'token', known: new Map([['bob', BOB.key]]) }),
      )
      .subscribe({ next: ({ type }) => heard.push(type), error: (error: unknown) => heard.push(error) });
    come(GREETING);
    come(WELCOME);
    subscription.unsubscribe();
    expect(heard).toStrictEqual(['welcome', 'said', 'said-all']);
    const [hello = '', token = '', bye] = links[0]!.writes;
    expect(readHello(hello.trim())).toStrictEqual({
      nick: 'alice',
      room: LOBBY,
      session: 'AQEBAQEBAQEBAQEBAQEBAQ',
      proof: PROOF,
      access: 'shown-token',
    });
    expect(token).toMatch(/^gAAAA/);
    expect(bye).toBe('BYE leaving 0\n');
  });

  test('the key of a room is overwritten once it is left, and each subscription has its own', () => {
    const { platform, keys, come } = imagined();
    const room$ = NEVER.pipe(roomOn(platform)(INVITE, { nick: 'alice' }));
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

describe('connect', () => {
  /** Somebody who is in a room. */
  const enter = (more: { signal?: AbortSignal; limit?: number } = {}) => {
    const seen: unknown[] = [];
    const sessions: Session[] = [];
    const { platform, keys, links, come } = imagined();
    const here$ = connectOn(platform)(INVITE, { nick: 'alice', ...more });
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

  test('gives a session that says, hears and has a receipt', () => {
    const { seen, here, links, come, subscription } = enter();
    const got: unknown[] = [];
    here.say('hello').subscribe({ next: (receipt) => got.push(receipt) });
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
  ])('unsubscribed or aborted while %s it leaves no timer, no socket and no key', (type, act) => {
    const aborter = new AbortController();
    for (const end of ['unsubscribe', 'abort'] as const) {
      const begun = enter({ signal: aborter.signal });
      act(begun);
      expect(begun.seen.at(-1)).toMatchObject({ type });
      expect(jest.getTimerCount()).toBeGreaterThan(0);
      if (end === 'abort') aborter.abort();
      else begun.subscription.unsubscribe();
      expect(jest.getTimerCount()).toBe(0);
      const closed = [{ type: 'closed', reason: 'left' }, '|'];
      expect(begun.seen.slice(-3)).toStrictEqual(
        end === 'abort' ? ['complete', ...closed].slice(-3) : [begun.seen.at(-3), ...closed],
      );
      expect(begun.keys[0]!.every((byte) => byte === 0)).toBe(true);
      let open = true;
      begun.links[0]!.line$.subscribe({ complete: () => (open = false) });
      expect(open).toBe(false);
    }
  });

  test('with a signal that is aborted already it does nothing', () => {
    const { links, seen } = enter({ signal: AbortSignal.abort() });
    expect(links).toHaveLength(0);
    expect(seen).toStrictEqual(['complete']);
  });

  test('a bad invite is the error of the session', () => {
    const { platform } = imagined();
    const seen: unknown[] = [];
    connectOn(platform)('rxchat://', { nick: 'alice' }).subscribe({
      error: ({ name }: Error) => seen.push(name),
    });
    expect(seen).toStrictEqual(['InviteError']);
    expect(() => parseInvite('rxchat://')).toThrow();
  });
});

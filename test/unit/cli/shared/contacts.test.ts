import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { from, lastValueFrom, toArray } from 'rxjs';
import { openContacts, type Contacts } from '../../../../src/cli/shared/contacts.js';
import { knownKeysPath, openKnownKeys } from '../../../../src/identity/knownKeys.js';
import { trustOnFirstUse } from '../../../../streams/client/integrity/senderState.js';
import type { ClientEvent } from '../../../../streams/client/clientEvent.js';
import { messageEvent } from '../../../support/clientEvents.js';
import { fakeIdentity } from '../../../support/envelopes.js';

const ROOM = 'room';
const [BOB, MALLORY] = [fakeIdentity(1).key, fakeIdentity(2).key];

let home = '';
let before: string | undefined;
let errors: jest.SpiedFunction<typeof process.stderr.write>;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rxchat-people-'));
  before = process.env['RXCHAT_HOME'];
  process.env['RXCHAT_HOME'] = home;
  errors = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  errors.mockRestore();
  if (before === undefined) Reflect.deleteProperty(process.env, 'RXCHAT_HOME');
  else process.env['RXCHAT_HOME'] = before;
  rmSync(home, { recursive: true, force: true });
});

const noted = (): string => errors.mock.calls.map(([text]) => String(text)).join('');

/** Returns the events of a room client when these members send messages one after the other. */
const sentBy = (
  clients: Pick<Contacts, 'knownKeys'>,
  ...who: readonly (readonly [string, string])[]
): ClientEvent[] => {
  const { observe } = trustOnFirstUse({ knownKeys: clients.knownKeys });
  return who.flatMap(([nick, key], at) => [
    ...observe({ nick, key }, at + 1),
    messageEvent({ nick, key, position: at + 1, text: `${at + 1}` }),
  ]);
};

/** Returns what is passed on: messages by their number, everything else by its type. */
const receivedBy = async (
  flags: Record<string, unknown>,
  ...who: readonly (readonly [string, string])[]
): Promise<{ readonly all: readonly string[]; readonly clients: Contacts }> => {
  const clients = openContacts(ROOM, flags);
  const events = await lastValueFrom(
    from(sentBy(clients, ...who)).pipe(clients.applyKeyChangePolicy(flags), toArray()),
    {
      defaultValue: [],
    },
  );
  const all = events.map((each) =>
    each.type === 'message' ? `${clients.isChanged(each) ? '!' : ''}${each.text}` : each.type,
  );
  return { all, clients };
};

const bob = ['bob', BOB] as const;
const mallory = ['bob', MALLORY] as const;

describe('a nick with another key', () => {
  test('is reported once and marked, while the known key is never reported', async () => {
    const { all } = await receivedBy({}, bob, mallory, bob, mallory, mallory, bob);
    expect(all).toStrictEqual(['first-seen', '1', 'key-changed', '!2', '3', '!4', '!5', '6']);
  });

  test('is reported and marked in each later run', async () => {
    await receivedBy({}, bob);
    for (let run = 0; run < 2; run += 1) {
      const { all } = await receivedBy({}, mallory, bob, mallory);
      expect(all).toStrictEqual(['key-changed', '!1', '2', '!3']);
    }
  });

  test('is skipped with skip', async () => {
    const { all } = await receivedBy({ onKeyChange: 'skip' }, bob, mallory, bob, mallory);
    expect(all).toStrictEqual(['first-seen', '1', 'key-changed', '3']);
  });

  test('ends the stream with end, at the same place in each run', async () => {
    await receivedBy({}, bob);
    for (let run = 0; run < 2; run += 1)
      await expect(receivedBy({ onKeyChange: 'end' }, bob, mallory)).rejects.toMatchObject({
        exitCode: 5,
        message: 'bob has a different key than before; it may be someone else',
      });
  });

  test('has that key from then on with --accept-key, with any policy', async () => {
    await receivedBy({}, bob);
    for (const onKeyChange of ['mark', 'skip', 'end']) {
      const { all } = await receivedBy({ acceptKey: true, onKeyChange }, mallory, mallory);
      expect(all.filter((each) => each !== 'key-changed')).toStrictEqual(['1', '2']);
    }
    expect((await receivedBy({}, mallory)).all).toStrictEqual(['1']);
  });

  test('is detected within a run for a nick whose key is not stored', async () => {
    const [nick, key] = ['alice~k3J_x9Qa', BOB];
    const { all } = await receivedBy({}, [nick, key], [nick, MALLORY], [nick, key]);
    expect(all).toStrictEqual(['first-seen', '1', 'key-changed', '!2', '3']);
  });

  test('is never the own nick', async () => {
    const clients = openContacts(ROOM, {});
    expect(clients.isChanged({ nick: 'bob', key: clients.identity.key })).toBe(false);
    await receivedBy({}, bob);
    expect(openContacts(ROOM, {}).isChanged({ nick: 'bob', key: clients.identity.key })).toBe(false);
  });
});

describe('/verify', () => {
  const enter = (clients: Contacts, text: string): string => {
    const [nick = '', answer] = text.split(' ');
    return clients.verify(nick, answer).join('\n');
  };
  const receive = async (clients: Contacts, ...who: readonly (readonly [string, string])[]) =>
    lastValueFrom(from(sentBy(clients, ...who)).pipe(clients.recordKeys()), { defaultValue: undefined });

  test('confirms the key whose number was shown', async () => {
    const { clients: participants } = await receivedBy({}, bob);
    expect(enter(participants, 'bob')).toMatch(/\d{5}( \d{5}){11}/);
    expect(enter(participants, 'bob yes')).toBe('bob is verified');
    expect([participants.isVerified(BOB), openContacts(ROOM, {}).isVerified(BOB)]).toStrictEqual([
      true,
      true,
    ]);
  });

  test('refuses a key that changed meanwhile, and shows its number only on request', async () => {
    const { clients: participants } = await receivedBy({}, bob);
    enter(participants, 'bob');
    await receive(participants, mallory);
    expect(enter(participants, 'bob yes')).toMatch(/^not saved: bob has sent a message with another key/);
    expect([participants.isVerified(BOB), participants.isVerified(MALLORY)]).toStrictEqual([false, false]);
    expect(enter(participants, 'bob')).toContain('this is a different key than bob had before');
    // `no` revokes the key that was compared.
    enter(participants, 'bob yes');
    expect(participants.isVerified(MALLORY)).toBe(true);
    await receive(participants, bob);
    expect(enter(participants, 'bob no')).toBe('bob is not verified');
    expect([participants.isVerified(BOB), participants.isVerified(MALLORY)]).toStrictEqual([false, false]);
  });

  test('stores nothing before the number was shown in this run, and shows it then', async () => {
    const { clients: participants } = await receivedBy({}, bob);
    expect(enter(participants, 'bob yes')).toMatch(
      /^not saved: compare the number of bob first\n(.*\n)*.*\d{5} /,
    );
    expect(participants.isVerified(BOB)).toBe(false);
    expect(enter(participants, 'bob yes')).toBe('bob is verified');
  });

  test('says that a nick has no key', () => {
    const text = 'no key is known for the nick “nobody”; it has not sent a message yet';
    const clients = openContacts(ROOM, {});
    expect(enter(clients, 'nobody')).toBe(text);
    expect(enter(clients, 'nobody yes')).toBe(text);
    expect(clients.ignore('nobody', undefined)).toBe(text);
  });
});

describe('the clock offsets of senders', () => {
  test('are restored in the next run for known keys, and never ahead of the clock', async () => {
    const now = Date.now();
    const clients = openContacts(ROOM, {});
    const messages = [
      messageEvent({ nick: 'bob', key: BOB, time: now - 5000 }),
      messageEvent({ nick: 'bob', key: BOB, time: now - 90_000 }),
      messageEvent({ nick: 'mallory', key: MALLORY, time: now + 1e9 }),
      messageEvent({ nick: 'x~k3J_x9Qa', key: fakeIdentity(3).key, time: now }),
    ];
    const { observe } = trustOnFirstUse();
    await lastValueFrom(
      from(messages.flatMap((each) => [...observe(each, 1), each])).pipe(clients.recordKeys()),
    );
    const times = openContacts(ROOM, {}).newestTimeMs;
    expect([...times.keys()]).toStrictEqual([BOB, MALLORY]);
    expect(times.get(BOB)).toBe(now - 5000);
    expect(times.get(MALLORY)).toBeLessThanOrEqual(Date.now());
    expect(openContacts('other', {}).newestTimeMs.size).toBe(0);
  });
});

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('a home that cannot be written', () => {
  test('end nothing when they cannot be stored: reported once, and kept for this run', async () => {
    await receivedBy({}, ['carol', fakeIdentity(3).key]);
    rmSync(knownKeysPath(join(home, 'data')));
    const clients = openContacts(ROOM, {});
    symlinkSync('/dev/full', knownKeysPath(join(home, 'data')));
    errors.mockClear();
    const events = await lastValueFrom(
      from(sentBy(clients, bob, ['dave', fakeIdentity(4).key], mallory)).pipe(
        clients.recordKeys(),
        toArray(),
      ),
    );
    expect(events.map(({ type }) => type)).toStrictEqual([
      'first-seen',
      'message',
      'first-seen',
      'message',
      'key-changed',
      'message',
    ]);
    clients.verify('dave', undefined);
    expect(clients.verify('dave', 'yes')).toStrictEqual(['dave is verified']);
    clients.ignore('dave', undefined);
    expect(clients.isIgnored(fakeIdentity(4).key)).toBe(true);
    expect(noted()).toBe(
      `rxchat: cannot write ${knownKeysPath(join(home, 'data'))}: no space left on device; ` +
        'known keys are kept in memory until this command ends\n',
    );
  });

  test('belong to a temporary identity of this run when no identity can be stored', () => {
    writeFileSync(join(home, 'data'), '');
    const clients = openContacts(ROOM, {});
    expect(clients.identity.key).toHaveLength(43);
    expect(noted()).toMatch(
      /^rxchat: cannot write .*identity\.pem: .*; this run uses a temporary key, .*\nrxchat: hint: set RXCHAT_HOME to .*\n$/,
    );
  });
});

test('contacts report forgotten nicks once', async () => {
  await receivedBy({}, ...Array.from({ length: 30 }, (_, n) => [`m${n}`, MALLORY] as const));
  expect(noted().match(/too many nicks to remember/g)).toHaveLength(1);
  expect(openKnownKeys(join(home, 'data')).keysOf(ROOM).size).toBe(20);
});

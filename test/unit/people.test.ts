import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { from, lastValueFrom, toArray } from 'rxjs';
import { openPeople, type People } from '../../src/cli/people.js';
import { knownKeysFile, openKnownKeys } from '../../src/identity/knownKeys.js';
import { acquaintances } from '../../streams/client/acquaintances.js';
import type { Heard } from '../../streams/client/conversation.js';
import { message } from '../support/heard.js';
import { fakeIdentity } from '../support/people.js';

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

/** What a conversation emits when these say something, one after the other. */
const said = (people: Pick<People, 'known'>, ...who: readonly (readonly [string, string])[]): Heard[] => {
  const { meet } = acquaintances({ known: people.known });
  return who.flatMap(([nick, key], at) => [
    ...meet({ nick, key }, at + 1),
    message({ nick, key, position: at + 1, text: `${at + 1}` }),
  ]);
};

/** What is passed on of it: messages by their number, everything else by its type. */
const heardBy = async (
  flags: Record<string, unknown>,
  ...who: readonly (readonly [string, string])[]
): Promise<{ readonly all: readonly string[]; readonly people: People }> => {
  const people = openPeople(ROOM, flags);
  const heard = await lastValueFrom(from(said(people, ...who)).pipe(people.keepFor(flags), toArray()), {
    defaultValue: [],
  });
  const all = heard.map((each) =>
    each.type === 'message' ? `${people.isChanged(each) ? '!' : ''}${each.text}` : each.type,
  );
  return { all, people };
};

const bob = ['bob', BOB] as const;
const mallory = ['bob', MALLORY] as const;

describe('a nick that comes with another key', () => {
  test('is reported once and marked; who is known is not, also after that', async () => {
    const { all } = await heardBy({}, bob, mallory, bob, mallory, mallory, bob);
    expect(all).toStrictEqual(['first-sight', '1', 'key-changed', '!2', '3', '!4', '!5', '6']);
  });

  test('is so in each later run', async () => {
    await heardBy({}, bob);
    for (let run = 0; run < 2; run += 1) {
      const { all } = await heardBy({}, mallory, bob, mallory);
      expect(all).toStrictEqual(['key-changed', '!1', '2', '!3']);
    }
  });

  test('is left out with skip', async () => {
    const { all } = await heardBy({ onKeyChange: 'skip' }, bob, mallory, bob, mallory);
    expect(all).toStrictEqual(['first-sight', '1', 'key-changed', '3']);
  });

  test('ends it with end, in each run at the same place', async () => {
    await heardBy({}, bob);
    for (let run = 0; run < 2; run += 1)
      await expect(heardBy({ onKeyChange: 'end' }, bob, mallory)).rejects.toMatchObject({
        exitCode: 5,
        message: 'bob has another key than before: it may be somebody else',
      });
  });

  test('has that key from then on with --accept-key, whatever is to be done otherwise', async () => {
    await heardBy({}, bob);
    for (const onKeyChange of ['mark', 'skip', 'end']) {
      const { all } = await heardBy({ acceptKey: true, onKeyChange }, mallory, mallory);
      expect(all.filter((each) => each !== 'key-changed')).toStrictEqual(['1', '2']);
    }
    expect((await heardBy({}, mallory)).all).toStrictEqual(['1']);
  });

  test('is noticed within the run for a nick of one run, whose key is not kept', async () => {
    const [nick, key] = ['alice~k3J_x9Qa', BOB];
    const { all } = await heardBy({}, [nick, key], [nick, MALLORY], [nick, key]);
    expect(all).toStrictEqual(['first-sight', '1', 'key-changed', '!2', '3']);
  });

  test('is never one of oneself', async () => {
    const people = openPeople(ROOM, {});
    expect(people.isChanged({ nick: 'bob', key: people.identity.key })).toBe(false);
    await heardBy({}, bob);
    expect(openPeople(ROOM, {}).isChanged({ nick: 'bob', key: people.identity.key })).toBe(false);
  });
});

describe('/verify', () => {
  const enter = (people: People, text: string): string => {
    const [nick = '', answer] = text.split(' ');
    return people.verify(nick, answer).join('\n');
  };
  const hear = async (people: People, ...who: readonly (readonly [string, string])[]) =>
    lastValueFrom(from(said(people, ...who)).pipe(people.keep()), { defaultValue: undefined });

  test('confirms the key whose number was shown', async () => {
    const { people } = await heardBy({}, bob);
    expect(enter(people, 'bob')).toMatch(/\d{5}( \d{5}){11}/);
    expect(enter(people, 'bob yes')).toBe('bob is verified');
    expect([people.isVerified(BOB), openPeople(ROOM, {}).isVerified(BOB)]).toStrictEqual([true, true]);
  });

  test('refuses another key that came between, and shows its number only when asked', async () => {
    const { people } = await heardBy({}, bob);
    enter(people, 'bob');
    await hear(people, mallory);
    expect(enter(people, 'bob yes')).toMatch(/^nothing was kept: bob has said something with another key/);
    expect([people.isVerified(BOB), people.isVerified(MALLORY)]).toStrictEqual([false, false]);
    expect(enter(people, 'bob')).toContain('it is not the number of the key that bob had before');
    // What is taken back is what was compared.
    enter(people, 'bob yes');
    expect(people.isVerified(MALLORY)).toBe(true);
    await hear(people, bob);
    expect(enter(people, 'bob no')).toBe('bob is not verified');
    expect([people.isVerified(BOB), people.isVerified(MALLORY)]).toStrictEqual([false, false]);
  });

  test('keeps nothing before a number was shown in this run, and shows it then', async () => {
    const { people } = await heardBy({}, bob);
    expect(enter(people, 'bob yes')).toMatch(
      /^nothing was kept: compare the number of bob first\n(.*\n)*.*\d{5} /,
    );
    expect(people.isVerified(BOB)).toBe(false);
    expect(enter(people, 'bob yes')).toBe('bob is verified');
  });

  test('says of a nick without a key that it is one', () => {
    const text = 'no key is known for the nick “nobody”: it has not said anything yet';
    const people = openPeople(ROOM, {});
    expect(enter(people, 'nobody')).toBe(text);
    expect(enter(people, 'nobody yes')).toBe(text);
    expect(people.ignore('nobody', undefined)).toBe(text);
  });
});

describe('times of others', () => {
  test('are there in the next run for keys that are known, and never ahead of the clock', async () => {
    const now = Date.now();
    const people = openPeople(ROOM, {});
    const messages = [
      message({ nick: 'bob', key: BOB, time: now - 5000 }),
      message({ nick: 'bob', key: BOB, time: now - 90_000 }),
      message({ nick: 'mallory', key: MALLORY, time: now + 1e9 }),
      message({ nick: 'x~k3J_x9Qa', key: fakeIdentity(3).key, time: now }),
    ];
    const { meet } = acquaintances();
    await lastValueFrom(from(messages.flatMap((each) => [...meet(each, 1), each])).pipe(people.keep()));
    const times = openPeople(ROOM, {}).newestTimeMs;
    expect([...times.keys()]).toStrictEqual([BOB, MALLORY]);
    expect(times.get(BOB)).toBe(now - 5000);
    expect(times.get(MALLORY)).toBeLessThanOrEqual(Date.now());
    expect(openPeople('other', {}).newestTimeMs.size).toBe(0);
  });
});

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('a home that cannot be written', () => {
  test('ends nothing: it is told once, and what is known holds for this run', async () => {
    await heardBy({}, ['carol', fakeIdentity(3).key]);
    rmSync(knownKeysFile(join(home, 'data')));
    const people = openPeople(ROOM, {});
    symlinkSync('/dev/full', knownKeysFile(join(home, 'data')));
    errors.mockClear();
    const heard = await lastValueFrom(
      from(said(people, bob, ['dave', fakeIdentity(4).key], mallory)).pipe(people.keep(), toArray()),
    );
    expect(heard.map(({ type }) => type)).toStrictEqual([
      'first-sight',
      'message',
      'first-sight',
      'message',
      'key-changed',
      'message',
    ]);
    people.verify('dave', undefined);
    expect(people.verify('dave', 'yes')).toStrictEqual(['dave is verified']);
    people.ignore('dave', undefined);
    expect(people.isIgnored(fakeIdentity(4).key)).toBe(true);
    expect(noted()).toBe(
      `rxchat: cannot write ${knownKeysFile(join(home, 'data'))}: no space left on device; ` +
        'whom you know is kept in memory until this command ends\n',
    );
  });

  test('makes somebody new of who has no identity yet, for this run', () => {
    writeFileSync(join(home, 'data'), '');
    const people = openPeople(ROOM, {});
    expect(people.identity.key).toHaveLength(43);
    expect(noted()).toMatch(
      /^rxchat: cannot write .*identity\.pem: .*; you have a key for this run alone, .*\nrxchat: hint: set RXCHAT_HOME to .*\n$/,
    );
  });
});

test('that nicks are forgotten is told once', async () => {
  await heardBy({}, ...Array.from({ length: 30 }, (_, n) => [`m${n}`, MALLORY] as const));
  expect(noted().match(/more nicks were met than are kept/g)).toHaveLength(1);
  expect(openKnownKeys(join(home, 'data')).known(ROOM).size).toBe(20);
});

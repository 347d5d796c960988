import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { cleanUp } from './support/cleanup.js';
import { HOUR_TIMERS } from './support/hourTimers.js';
import { createGroup, Person, stopPersons } from './support/person.js';
import { type Relay, startRelay } from './support/relay.js';
import { lineWith } from './support/streamOutput.js';

let relay: Relay;
beforeAll(async () => {
  relay = await startRelay();
});
afterAll(cleanUp);
afterEach(stopPersons);

describe('listen in a group room', () => {
  test('what a device forgets stays as it was chosen, until it is chosen again', async () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const invite = await createGroup(alice, relay);
    await alice.enter(invite);
    await bob.enter(invite);
    /** The texts and the types of what bob reads. */
    const listen = async (...flags: readonly string[]) => {
      const { code, out } = await bob.run('listen', [invite, '--json', '--until-now', ...flags]);
      expect(code).toBe(0);
      const lines = out
        .trim()
        .split('\n')
        .filter((line) => line !== '');
      return lines.map((line) => {
        const { type, text } = JSON.parse(line) as { readonly type: string; readonly text?: string };
        return text ?? type;
      });
    };
    const write = async (text: string) => {
      expect((await alice.run('send', [invite, '--as-member', '-m', text])).code).toBe(0);
    };

    await listen('--forget', '0');
    await write('one');
    expect(await listen('--after', '0')).toContain('one');
    expect(await listen('--after', '0')).not.toContain('one');
    expect(await listen('--after', '0')).toContain('forgotten');
    const members = await bob.run('members', [invite]);
    expect(members.code).toBe(0);

    await listen('--forget', 'never');
    await write('two');
    expect(await listen('--after', '0')).toContain('two');
    expect(await listen('--after', '0')).toContain('two');
  });
});

describe('listen --cursor-file over a rotation', () => {
  /** Reads what is new since the last run, with the first invite of the room. */
  const listenOnce = async (person: Person, invite: string, ...flags: readonly string[]) => {
    const cursor = join(person.home, 'cursor');
    const { code, out, err } = await person.run('listen', [
      ...[invite, '--cursor-file', cursor, '--until-now', '--fail-on-gap'],
      ...flags,
    ]);
    expect([code, err]).toStrictEqual([0, expect.any(String)]);
    return out.split('\n').filter((line) => line !== '');
  };
  const write = async (person: Person, invite: string, text: string) => {
    expect((await person.run('send', [invite, '--as-member', '-m', text])).code).toBe(0);
  };

  test.each(['another member', 'the same device'])(
    'by %s, it continues in the old room and in the new one, and reads nothing twice',
    async (rotatedBy) => {
      const [alice, bob] = [new Person('alice'), new Person('bob')];
      const invite = await createGroup(alice, relay);
      await alice.enter(invite);
      await bob.enter(invite);
      const [reader, writer] = rotatedBy === 'the same device' ? [alice, bob] : [bob, alice];
      expect(await listenOnce(reader, invite)).toContain('bob: bob is here');
      await write(writer, invite, 'old');
      expect((await alice.run('rotate', [invite])).code).toBe(0);
      await write(writer, invite, 'new');
      expect(await listenOnce(reader, invite)).toStrictEqual([`${writer.nick}: old`, `${writer.nick}: new`]);
      expect(await listenOnce(reader, invite)).toStrictEqual([]);
      await write(writer, invite, 'newer');
      expect(await listenOnce(reader, invite)).toStrictEqual([`${writer.nick}: newer`]);
    },
  );

  test('reports that entries may be missing if the device forgot the old room', async () => {
    const [alice, bob] = [new Person('alice'), new Person('bob')];
    const invite = await createGroup(alice, relay);
    await alice.enter(invite);
    await bob.enter(invite);
    await listenOnce(alice, invite, '--forget', '0');
    await write(bob, invite, 'old');
    expect((await alice.run('rotate', [invite])).code).toBe(0);
    await write(bob, invite, 'new');
    const cursor = join(alice.home, 'cursor');
    const read = await alice.run('listen', [invite, '--cursor-file', cursor, '--until-now']);
    expect([read.code, read.out]).toStrictEqual([0, 'bob: new\n']);
    expect(read.err).toContain('entries of a former log may be missing');
  });
});

describe('send without membership', () => {
  test('gives up in one line if no member puts keys into the log, and loses no count of its lines', async () => {
    const [alice, cron] = [new Person('alice'), new Person('cron')];
    const invite = await createGroup(alice, relay);
    // The room of another secret is empty, as after a relay lost its log.
    const empty = invite.replace(/#[\w-]{43}/, `#${'A'.repeat(43)}`);
    const send = cron.start('send', [empty, '-m', 'backup done', '--timeout', '1h'], HOUR_TIMERS);
    await send.err.until(lineWith('the log of the room has no keys'));
    send.signal('SIGUSR2');
    expect([await send.exit, send.out.text]).toStrictEqual([7, '']);
    expect(send.err.text).toMatch(
      /^rxchat: the log of the room has no keys .*\nrxchat: no member was online for 3600 s, .*sent 0 of 1.*\n.*rxchat listen as a member.*\n$/,
    );
  });
});

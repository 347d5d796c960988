import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { cleanUp } from './support/cleanup.js';
import { createGroup, Person, stopPersons } from './support/person.js';
import { type Relay, startRelay } from './support/relay.js';

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

describe('send without membership', () => {
  test('gives up in one line if no member puts keys into the log, and loses no count of its lines', async () => {
    const [alice, cron] = [new Person('alice'), new Person('cron')];
    const invite = await createGroup(alice, relay);
    // The room of another secret is empty, as after a relay lost its log.
    const empty = invite.replace(/#[\w-]{43}/, `#${'A'.repeat(43)}`);
    const sent = await cron.run('send', [empty, '-m', 'backup done', '--timeout', '1s']);
    expect([sent.code, sent.out]).toStrictEqual([7, '']);
    expect(sent.err).toMatch(
      /^rxchat: the log of the room has no keys .*\nrxchat: no member was online for 1 s, .*sent 0 of 1.*\n.*rxchat listen as a member.*\n$/,
    );
  });
});

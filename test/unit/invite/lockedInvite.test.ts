import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseKdf, formatKdf } from '../../../src/crypto/roomKeys.js';
import { createLockedInvite, InviteError, type LockedInvite } from '../../../src/invite/invite.js';
import { unlockInvite } from '../../../src/node/nodePlatform.js';
import { formatInvite, parseAnyInvite, parseInvite } from '../../../src/invite/inviteText.js';

const PIN = 'A'.repeat(43);
const LOCKED = 'rxchat://chat.example.org:4000/#passphrase,kdf=scrypt-17-8-1,room=book%20club';
const bookClub: LockedInvite = {
  host: 'chat.example.org',
  port: 4000,
  label: 'book club',
  cost: { logN: 17, r: 8, p: 1 },
};

const hex = async (invite: LockedInvite, passphrase: string): Promise<string> =>
  Buffer.from((await unlockInvite(invite, passphrase)).secret).toString('hex');

describe('the invite of a room with a passphrase', () => {
  test('parses to what was formatted, with a pin and a strange label', () => {
    expect(formatInvite(bookClub)).toBe(LOCKED);
    expect(parseAnyInvite(LOCKED)).toStrictEqual(bookClub);
    const strange = { ...bookClub, label: 'a,b=c%41#/\u00fc', pin: PIN };
    expect(parseAnyInvite(formatInvite(strange))).toStrictEqual(strange);
    expect(formatInvite(strange)).toMatch(/^[ -~]+$/);
  });

  test('keeps other relays, which do not change the secret', async () => {
    const otherRelays = [{ host: 'b.example.org', port: 4000 }];
    const shared = { ...bookClub, otherRelays };
    expect(formatInvite(shared)).toBe(`${LOCKED},relays=b.example.org:4000`);
    expect(parseAnyInvite(formatInvite(shared))).toStrictEqual(shared);
    expect((await unlockInvite(shared, 'x')).otherRelays).toStrictEqual(otherRelays);
    expect(await hex(shared, 'x')).toBe(await hex(bookClub, 'x'));
  });

  test('parses to what was formatted, for any label', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (label) => {
        fc.pre(
          /^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(label.normalize('NFKC')) && label.normalize('NFKC').trim() !== '',
        );
        fc.pre(Array.from(label.normalize('NFKC').trim()).length <= 64);
        const made = createLockedInvite({ label });
        expect(parseAnyInvite(formatInvite(made))).toStrictEqual(made);
      }),
    );
  });

  test('has a random label by default, and contains no passphrase', () => {
    const [one, two] = [createLockedInvite(), createLockedInvite()];
    expect(one.label).toMatch(/^[\w-]{8}$/);
    expect(one.label).not.toBe(two.label);
    expect(Object.keys(one).sort()).toStrictEqual(['cost', 'host', 'label', 'port']);
  });

  test('cannot be used without the passphrase', () => {
    expect(() => parseInvite(LOCKED)).toThrow(InviteError);
    expect(() => parseInvite(LOCKED)).toThrow('a room with a passphrase');
  });

  test.each([
    ['no kdf', '#passphrase,room=x', 'no key derivation'],
    ['another kdf', '#passphrase,kdf=argon2id-3-65536-4,room=x', 'no key derivation'],
    ['a cost that is too low', '#passphrase,kdf=scrypt-16-8-1,room=x', 'no key derivation'],
    ['a cost that takes the memory', '#passphrase,kdf=scrypt-20-8-1,room=x', 'no key derivation'],
    ['a cost that takes the day', '#passphrase,kdf=scrypt-17-8-5,room=x', 'no key derivation'],
    ['no p at all', '#passphrase,kdf=scrypt-17-8-0,room=x', 'no key derivation'],
    ['other blocks', '#passphrase,kdf=scrypt-17-9-1,room=x', 'no key derivation'],
    ['no room', '#passphrase,kdf=scrypt-17-8-1', 'has no room name'],
    ['an empty room', '#passphrase,kdf=scrypt-17-8-1,room=%20', 'name is empty'],
    [
      'a room with a control',
      '#passphrase,kdf=scrypt-17-8-1,room=a%1bb',
      'a control or an invisible character',
    ],
    ['a room with a line break', '#passphrase,kdf=scrypt-17-8-1,room=a%0Ab', 'a control or an invisible'],
    ['a room that is no UTF-8', '#passphrase,kdf=scrypt-17-8-1,room=%ff', 'not percent-encoded UTF-8'],
    ['a room that is too long', `#passphrase,kdf=scrypt-17-8-1,room=${'x'.repeat(65)}`, 'longer than 64'],
    ['an invalid pin', '#passphrase,kdf=scrypt-17-8-1,room=x,pin=y', 'is not 43 characters'],
    ['a word too many', '#passphrase,kdf=scrypt-17-8-1,room=x,more=y', 'an unknown value'],
    ['a group', `#passphrase,kdf=scrypt-17-8-1,room=x,group=${PIN}`, 'an unknown value'],
    ['a kdf beside a secret', `#${PIN},kdf=scrypt-17-8-1`, 'an unknown value'],
    ['the passphrase itself', '#passphrase=hunter2', 'characters instead of 43'],
  ])('is rejected with %s', (_case, fragment, why) => {
    const read = () => parseAnyInvite(`rxchat://example.org/${fragment}`);
    expect(read).toThrow(InviteError);
    expect(read).toThrow(why);
  });
});

describe('a cost', () => {
  test.each([17, 18, 19].flatMap((logN) => [1, 2, 3, 4].map((p) => ({ logN, r: 8, p }))))(
    '%j is accepted',
    (cost) => {
      expect(parseKdf(formatKdf(cost))).toStrictEqual(cost);
    },
  );
});

describe('a passphrase', () => {
  test('unlocks the same invite each time, and another one for another word, label, relay or cost', async () => {
    const invites: readonly [LockedInvite, string][] = [
      [bookClub, 'correct horse'],
      [bookClub, 'correct  horse'],
      [{ ...bookClub, label: 'book clubs' }, 'correct horse'],
      [{ ...bookClub, port: 4001 }, 'correct horse'],
      [{ ...bookClub, host: 'chat.example.com' }, 'correct horse'],
      [{ ...bookClub, cost: { logN: 17, r: 8, p: 2 } }, 'correct horse'],
    ];
    const secrets = await Promise.all(invites.map(([invite, passphrase]) => hex(invite, passphrase)));
    expect(new Set(secrets).size).toBe(invites.length);
    expect(await hex(bookClub, ' correct horse\n')).toBe(secrets[0]);
    expect(await hex({ ...bookClub, host: 'Chat.EXAMPLE.org', pin: PIN }, 'correct horse')).toBe(secrets[0]);
  });

  test('unlocks an invite with a secret, its pin and its label', async () => {
    const invite = await unlockInvite({ ...bookClub, pin: PIN }, 'correct horse');
    expect(invite).toMatchObject({ host: 'chat.example.org', port: 4000, label: 'book club', pin: PIN });
    expect(parseInvite(formatInvite(invite)).secret).toStrictEqual(invite.secret);
  });

  test.each(['', '  ', '\u3000\n'])('is rejected when it is empty: %j', async (nothing) => {
    await expect(unlockInvite(bookClub, nothing)).rejects.toThrow('the passphrase is empty');
  });
});

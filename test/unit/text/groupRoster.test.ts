import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findPerson, groupRoster } from '../../../src/text/groupRoster.js';
import type { ClientEvent } from '../../../streams/client/index.js';
import { safe } from '../../../src/text/sanitize.js';
import { hostileText, messageEvent, UNSAFE, welcomeEvent } from '../../support/clientEvents.js';
import { deviceOf, epochEvent } from '../../support/groupEvents.js';

const [ALICE, BOB, CAROL] = [deviceOf('alice'), deviceOf('bob'), deviceOf('carol')];

/** Alice's roster, in which bob is verified, after some events. */
const rosterAfter = (...events: readonly ClientEvent[]) => {
  const roster = groupRoster({
    ownKey: ALICE.key,
    isVerified: (key) => key === BOB.key,
    knownKeys: new Map([['bob', BOB.key]]),
    inviteHint: safe`: /invite prints it`,
  });
  return { roster, texts: events.flatMap(roster.update) };
};

const textsOf = (...events: readonly ClientEvent[]): readonly string[] => rosterAfter(...events).texts;

const MEMBERS = epochEvent({ members: [ALICE, BOB, CAROL], change: 'renewed' });

describe('the roster of a group', () => {
  test.each<[string, ClientEvent, string | undefined]>([
    ['a creation', epochEvent({ change: 'created', own: true }), 'you created the group'],
    [
      'a join',
      epochEvent({ by: deviceOf('dave'), members: [ALICE, BOB, CAROL, deviceOf('dave')] }),
      'someone with the key dave----… joined with the invite; 4 members',
    ],
    [
      'another device',
      epochEvent({ by: deviceOf('bob', 'phone'), members: [ALICE, BOB, CAROL, deviceOf('bob', 'phone')] }),
      '✓bob joined with another device (phone); 3 members',
    ],
    ['a device that joins again', epochEvent({ by: BOB }), '✓bob joined again with the same device'],
    ['a renewal', epochEvent({ change: 'renewed', by: BOB }), undefined],
    [
      'a removal',
      epochEvent({ change: 'removed', by: ALICE, removed: [BOB], members: [ALICE, CAROL], moved: true }),
      'you removed ✓bob; 2 members; the room has another invite: /invite prints it',
    ],
    [
      'the removal of one device',
      epochEvent({ change: 'removed', by: BOB, removed: [deviceOf('bob', 'phone')], members: [ALICE, BOB] }),
      '✓bob removed a device of ✓bob (phone)',
    ],
    [
      'the removal of several',
      epochEvent({ change: 'removed', by: BOB, removed: [CAROL, deviceOf('dave')], members: [ALICE, BOB] }),
      '✓bob removed someone with the key carol---…, someone with the key dave----…; 2 members',
    ],
    [
      'a rotation',
      epochEvent({ change: 'moved', by: BOB, moved: true }),
      '✓bob gave the room another invite: /invite prints it',
    ],
    [
      'entries before the join',
      { type: 'before-join', from: 1, to: 417 },
      '417 earlier entries were sealed before you joined',
    ],
    [
      'a rejected handshake',
      { type: 'rejected', position: 4, reason: 'not allowed' },
      'entry 4 is a change of keys that counts for nobody: not allowed',
    ],
    [
      'a missed commit',
      { type: 'behind', position: 4, epoch: 9 },
      'this device missed a change of keys; it joins again by itself',
    ],
    ['the own removal', { type: 'removed', position: 4, by: BOB }, '✓bob removed you from the room'],
    ['a void entry', { type: 'void', position: 4 }, undefined],
    ['a new invite', { type: 'invite-changed', secret: new Uint8Array(32) }, undefined],
    [
      'a refused request',
      {
        type: 'request-refused',
        request: { type: 'remove', key: BOB.key },
        reason: 'only the creator removes',
      },
      'nobody was removed: only the creator removes',
    ],
    [
      'a request for which the relay takes no other room',
      { type: 'request-refused', request: { type: 'rotate' }, reason: 'not here', code: 'room-not-allowed' },
      'the room keeps its invite: not here; ask its operator, or create a group at another relay',
    ],
    [
      'a request for which the relay takes no other room now',
      { type: 'request-refused', request: { type: 'rotate' }, reason: 'not now', code: 'busy' },
      'the room keeps its invite: not now; try again later',
    ],
  ])('describes %s', (_, event, text) => {
    expect(textsOf(MEMBERS, event)).toStrictEqual(text === undefined ? [] : [text]);
  });

  test('says that a member left if it asked for its removal', () => {
    const removal = epochEvent({ change: 'removed', by: ALICE, removed: [BOB], members: [ALICE, CAROL] });
    expect(textsOf(MEMBERS, { type: 'leaving', position: 2, member: BOB }, removal)).toStrictEqual([
      "✓bob asked to leave; a member's client does the rest",
      '✓bob left; 2 members',
    ]);
  });

  test('does not say who removed the own device if its user asked for it', () => {
    expect(
      textsOf(
        MEMBERS,
        { type: 'leaving', position: 2, member: ALICE },
        { type: 'removed', position: 3, by: BOB },
      ),
    ).toStrictEqual(["you asked to leave; a member's client does the rest"]);
  });

  test('reports forgotten entries once, when others follow', () => {
    const forgotten = [3, 4, 5].map((position): ClientEvent => ({ type: 'forgotten', position }));
    expect(textsOf(welcomeEvent({ next: 9 }), ...forgotten)).toStrictEqual([]);
    expect(textsOf(welcomeEvent({ next: 9 }), ...forgotten, messageEvent({ position: 6 }))).toStrictEqual([
      'this device forgot the keys of 3 earlier entries (3 to 5)',
    ]);
  });

  test('reports forgotten entries at the end of the log, too', () => {
    expect(textsOf(welcomeEvent({ next: 4 }), { type: 'forgotten', position: 3 })).toStrictEqual([
      'this device forgot the keys of 1 earlier entry (3)',
    ]);
  });

  test('groups devices by person, under the nick of the latest message', () => {
    const { roster } = rosterAfter(
      messageEvent({ key: CAROL.key, nick: 'caro' }),
      epochEvent({ members: [ALICE, CAROL, deviceOf('carol', 'phone')] }),
    );
    expect(roster.persons()).toMatchObject([
      { nick: undefined, isOwn: true, devices: [ALICE] },
      { nick: 'caro', isOwn: false, isVerified: false, devices: [{ label: 'laptop' }, { label: 'phone' }] },
    ]);
    expect(roster.code()).toBe('12345 67890 12345 67890 12345 67890');
  });

  test('finds a person by nick or by the start of the key, and nobody by an ambiguous nick', () => {
    const { roster } = rosterAfter(MEMBERS, messageEvent({ key: CAROL.key, nick: 'caro' }));
    expect(findPerson(roster, 'CARO')).toMatchObject({ key: CAROL.key });
    expect(findPerson(roster, 'carol-')).toMatchObject({ key: CAROL.key });
    expect(findPerson(roster, 'carol')).toBe(
      'no member is known by “carol”; give the nick, or the start of the key',
    );
    roster.update(messageEvent({ key: CAROL.key, nick: 'bob' }));
    expect(findPerson(roster, 'bob')).toBe(
      '2 members use the nick “bob”; give the start of the key instead: bob-----, carol---',
    );
  });

  test('prints what others chose safely for a terminal', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (label, nick) => {
        const dave = { ...deviceOf('dave'), label };
        const { texts } = rosterAfter(
          messageEvent({ key: dave.key, nick }),
          epochEvent({ by: dave, members: [ALICE, BOB, { ...dave, device: 'other' }] }),
          epochEvent({ by: { ...dave, device: 'third' }, members: [ALICE, BOB, dave] }),
          { type: 'rejected', position: 4, reason: label },
        );
        for (const each of texts) expect(each).not.toMatch(UNSAFE);
      }),
    );
  });

  test('never prints the secret of an invite', () => {
    expect(textsOf({ type: 'invite-changed', secret: new Uint8Array(32).fill(7) })).toStrictEqual([]);
  });
});

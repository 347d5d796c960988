import fc from 'fast-check';
import type { Heard } from '../../streams/client/conversation.js';
import type { Message } from '../../streams/client/membership.js';
import { BOB } from './people.js';

export const message = (more: Partial<Message>): Message => ({
  type: 'message',
  position: 1,
  index: 0,
  nick: 'bob',
  key: BOB.key,
  time: 0,
  text: 'hello',
  own: false,
  ...more,
});

type Welcomed = Extract<Heard, { type: 'welcome' }>;

export const welcome = (more: Partial<Welcomed>): Welcomed => ({
  type: 'welcome',
  log: 'log',
  next: 1,
  first: 1,
  from: 1,
  durability: 'memory',
  count: 2,
  members: ['alice', 'bob'],
  ...more,
});

/** Text that may do something to a terminal; joiners left out, whose place test/unit/visible.test.ts looks at. */
export const hostileText: fc.Arbitrary<string> = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(
        fc.constantFrom(
          '\x1b[2J',
          '\r',
          '\n',
          '\t',
          '\x9b',
          '\u202e',
          '\u{e0041}',
          '\ud83d',
          '\u2028',
          'a',
          '"',
          '\\',
        ),
      )
      .map((all) => all.join('')),
  )
  .map((text) => text.replaceAll(/\u200c|\u200d/g, ''));

/** What must not reach a terminal. The signs of Arabic that are formats by their category can be seen. */
export const UNSAFE: RegExp =
  /(?![\u0600-\u0605\u06dd\u08e2])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/u;

/** The same where text of a message goes into a pipe: a tab stays. */
export const UNSAFE_BUT_TAB: RegExp = new RegExp(`(?!\\t)(?:${UNSAFE.source})`, 'u');

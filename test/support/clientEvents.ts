import fc from 'fast-check';
import type { ClientEvent } from '../../streams/client/clientEvent.js';
import type { Message } from '../../streams/client/clientEvent.js';
import { BOB } from './envelopes.js';
import { codePoint } from './codePoint.js';

export const messageEvent = (more: Partial<Message>): Message => ({
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

type WelcomeEvent = Extract<ClientEvent, { type: 'welcome' }>;

export const welcomeEvent = (more: Partial<WelcomeEvent>): WelcomeEvent => ({
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

/** Generates text that may affect a terminal. It has no joiners; test/unit/text/sanitize.test.ts covers those. */
export const hostileText: fc.Arbitrary<string> = fc
  .oneof(
    fc.string({ unit: codePoint }),
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

/** Characters that must not reach a terminal. Arabic signs of category Cf are visible, and allowed. */
export const UNSAFE: RegExp =
  /(?![\u0600-\u0605\u06dd\u08e2])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/u;

/** The same for the text of a message in a pipe, which may contain tabs. */
export const UNSAFE_EXCEPT_TAB: RegExp = new RegExp(`(?!\\t)(?:${UNSAFE.source})`, 'u');

import { describe, expect, test } from '@jest/globals';
import { chatContext as deskOf } from '../../../../../../src/cli/commands/join/chat/chatContext.js';
import { type Line, formatLine } from '../../../../../../src/cli/commands/join/chat/line.js';
import { chatModel as viewOf } from '../../../../../../src/cli/commands/join/chat/chatModel.js';
import type { Contacts } from '../../../../../../src/cli/shared/contacts.js';
import { safe } from '../../../../../../src/text/sanitize.js';
import { messageEvent } from '../../../../../support/clientEvents.js';
import { ALICE } from '../../../../../support/envelopes.js';

/** A user without contacts. */
const clients: Contacts = {
  identity: ALICE,
  knownKeys: new Map(),
  newestTimeMs: new Map(),
  isVerified: () => false,
  isChanged: () => false,
  recordKeys: () => (event$) => event$,
  applyKeyChangePolicy: () => (event$) => event$,
  verify: (nick) => [safe`compare ${nick}`, safe`12345`],
  ignore: (nick) => safe`you read nothing more of ${nick ?? ''}`,
  isIgnored: () => false,
  keyOf: () => undefined,
};

const contextAfter = (...texts: readonly string[]) => {
  const view = viewOf({
    nick: 'alice',
    isVerified: () => false,
    isIgnored: () => false,
    utc: true,
    now: () => 0,
  });
  view.update(texts.map((text, at) => messageEvent({ position: at + 1, text })));
  return deskOf({
    model: view,
    contacts: clients,
    members: () => ['alice'],
    invite: () => safe`rxchat://`,
    utc: true,
  });
};

const printedBy = (lines: readonly Line[]): readonly string[] => lines.map((line) => formatLine(line, true));

describe('the chat context', () => {
  test('announces repeated messages in the singular and the plural', () => {
    const context = contextAfter('green tea', 'black tea', 'milk');
    expect(printedBy(context.history(1))).toStrictEqual([
      '-- the last message of this run:',
      '00:00 ?bob: milk',
    ]);
    expect(printedBy(context.history(2))[0]).toBe('-- the last 2 messages of this run:');
    expect(printedBy(context.search('milk'))).toStrictEqual([
      '-- the last message of this run with milk:',
      '00:00 ?bob: milk',
    ]);
    expect(printedBy(context.search('tea'))[0]).toBe('-- the last 2 messages of this run with tea:');
    expect(printedBy(context.search('rum'))).toStrictEqual([
      '-- not found in the 3 messages of this run: rum',
    ]);
    expect(printedBy(contextAfter('tea').search('rum'))).toStrictEqual([
      '-- not found in the 1 message of this run: rum',
    ]);
    expect(printedBy(contextAfter().history(9))).toStrictEqual([
      '-- no messages in this run; join --last N starts with older ones',
    ]);
  });

  test('wraps the lines that describe members', () => {
    const context = contextAfter();
    const lines = [...context.verify('bob', undefined), ...context.ignore('bob', undefined)];
    expect(printedBy(lines)).toStrictEqual(['-- compare bob', '-- 12345', '-- you read nothing more of bob']);
    expect(lines.map(({ tone }) => tone)).toStrictEqual(['info', 'info', 'info']);
  });
});

/**
 * Rejects names that contain a metaphor, a participle used as a noun, or another word that is not a term of the field.
 *
 * Why: a reader must learn a private word first, and no search engine, RFC or other code base helps. Each word is compared
 * with whole words of a camelCase name, so `heartbeat` and `forEach` pass while `beat` does not. File names count too.
 */
import { basename } from 'node:path';

/** Rejected words by what to use instead. A hyphen joins the words of a phrase. */
export const REPLACEMENTS = {
  'connection, join form or server side of a connection': 'door doors desk desks entrance entrances',
  'session or chat': 'sitting sittings seat seats seated sit sits',
  'members or member tracker': 'company headcount roll-call people guest guests acquaintance acquaintances',
  'presence or presence summary': 'comings restless attendance attended',
  'auditor, audit or attestation': 'witness witnessed witnesses testify testifies judge judged',
  'commit queue': 'journal journals',
  'rate limiter or join limiter': 'gate gates join-gate pacer',
  'listener or recorder': 'ear ears',
  'filter or filtered': 'sieve sift sifted',
  'batch or deliveries': 'readings',
  backpressure: 'pressure',
  'buffer, push or value': 'mailbox mailboxes',
  'caught up': 'stood stands',
  'wake or detect wake': 'woke',
  'detach or close': 'unplug unplugged dismiss dismissed',
  'send ping or tick': 'beat beats',
  'notify, report, warn, print or write':
    'told tell tells telling complain complained blame blamed utter uttered',
  'received, event or input': 'heard hear hears hearing',
  'sent, queued, message or line': 'said say says saying sayable speech unsaid unsayable spoken',
  'client, room or conversation': 'talk talks talking talked',
  'retained, saved, stored or pinned': 'kept keeping',
  'pending, queued, paused or buffered': 'held',
  'rendered or frame': 'drawn',
  cleared: 'erased',
  'safe, visible or printed': 'shown',
  'count, total or pluralize': 'counted',
  moved: 'travelled',
  'saved or cached': 'remembered',
  'requested or prompted': 'asked unasked',
  idle: 'deserted',
  'restarted or monitored': 'supervised',
  'pass through': 'aside',
  'deferred, scheduled or next': 'later',
  'lost or maybe lost': 'swallowed',
  'started or pending': 'begun',
  'borrowed reference or reference count': 'lent borrows borrowed',
  evict: 'shed sheds',
  'first seen': 'sight sights',
  'keep alive': 'linger lingers lingering',
  'close reason': 'farewell',
  transient: 'passing',
  'delay or exponential': 'slackening waits',
  action: 'deed deeds',
  'observe or trust on first use': 'meet meets met',
  coalesce: 'gather gathers gathered gathering',
  simulation: 'world',
  'recent members': 'news',
  tick: 'turn turns',
  'sample or fixture': 'belongings',
  footer: 'foot',
  'server or server event': 'hub',
  'frame, chunk or part': 'piece pieces',
  'sender or author': 'speaker speakers',
  'isAuthentic or check': 'proves',
  'state machine': 'stepwise',
  'context or environment': 'surroundings',
  render: 'paint paints painted',
};

const BANNED = new Map(
  Object.entries(REPLACEMENTS).flatMap(([use, words]) => words.split(' ').map((word) => [word, use])),
);

/** Names that are part of a format: keys of a JSON log. */
const ALLOWED = new Set(['guests']);

const wordsOf = (name) =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');

/** The first rejected word of `name`, or `undefined` if it has none. */
export const bannedWord = (name) => {
  if (ALLOWED.has(name)) return undefined;
  const words = wordsOf(name);
  const pairs = words.slice(1).map((word, at) => `${words[at]}-${word}`);
  return [...words, ...pairs].find((word) => BANNED.has(word));
};

/** Names of members of classes, interfaces, type literals and object literals. */
const MEMBER_NAMES =
  ':matches(PropertyDefinition, MethodDefinition, TSAbstractMethodDefinition, TSAbstractPropertyDefinition, TSPropertySignature, TSMethodSignature, ObjectExpression > Property[shorthand=false])[computed=false] > :matches(Identifier, PrivateIdentifier).key';

/** Reports a name where it is declared, not where it is used. */
export default {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { banned: "'{{name}}' contains '{{word}}'; use a term of the field: {{use}}" },
  },
  create: (context) => {
    const reported = new Set();
    const check = (node, name) => {
      const word = bannedWord(name);
      if (word === undefined || reported.has(node)) return;
      reported.add(node);
      context.report({ node, messageId: 'banned', data: { name, word, use: BANNED.get(word) } });
    };
    return {
      Program: (program) => {
        check(program, basename(context.filename));
        for (const { variables } of context.sourceCode.scopeManager.scopes)
          for (const { defs } of variables)
            for (const { type, name } of defs) if (type !== 'ImportBinding') check(name, name.name);
      },
      [MEMBER_NAMES]: (node) => check(node, node.name),
    };
  },
};

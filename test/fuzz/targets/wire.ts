import { from, type Observable } from 'rxjs';
import { parseCommands } from '../../../streams/relay/connection/parseCommands.js';
import { entries } from '../../../streams/client/receive/entries.js';
import { lines, ProtocolError, parseResume, RefusedError } from '../../../streams/wire/index.js';
import { formatAnnouncement, isTokenBatch, parseAnnouncement } from '../../../streams/wire/entry.js';
import { formatControl, parseControl } from '../../../streams/wire/control.js';
import { eachLine } from '../../../streams/wire/lines.js';
import {
  formatHello,
  parseGreeting,
  parseHello,
  parseWelcome,
  formatWelcome,
} from '../../../streams/wire/handshake.js';
import { parseFields, parseNumber } from '../../../streams/wire/fields.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { hello, LOBBY, NONCE, PROOF, token, verify } from '../../support/wire.js';
import type { Target } from '../campaign.js';
import { ensure, outcomeOf } from './expectations.js';

/** The longest line in these targets, in bytes; small, so that inputs reach it. */
const LIMIT = 400;

const WORDS = [
  'NICK ',
  'rxchat/1',
  'WELCOME ',
  'PING ',
  'PONG ',
  'GAP ',
  'ERR ',
  'BYE ',
  ' room=',
  ' session=',
  ' proof=',
  ' after=*/1',
  ' last=2',
  ' log=l',
  ' next=1',
  ' first=1',
  ' from=1',
  ' count=1',
  ' durability=disk',
  ' members=',
  ' nonce=',
  '+alice',
  '-bob,',
  '+*12',
  '\n',
  '\r\n',
  'é',
  '\u{1f642}',
  `${token('t')}\n`,
  `${hello('alice')}\n`,
  `${hello('alice', { owner: { key: LOBBY, signature: PROOF } })}\n`,
];

/** The input cut into chunks, at places that its own bytes name. */
const chunksOf = (input: Buffer): Buffer[] => {
  const ends = [...input.subarray(0, 8)]
    .map((byte) => (byte * 257) % (input.length + 1))
    .sort((a, b) => a - b);
  return [...ends, input.length].map((end, n) => input.subarray(n === 0 ? 0 : ends[n - 1], end));
};

/** What a stream gave before it ended, and how it ended: as it should, or by one of these errors. */
const run = <T>(stream: (input: Buffer[]) => Observable<T>, input: Buffer) => {
  const given: T[] = [];
  let error: unknown;
  stream(chunksOf(input)).subscribe({
    next: (each) => given.push(each),
    error: (reason: unknown) => (error = reason),
  });
  const end = () => {
    if (error !== undefined) throw error as Error;
    return 'complete';
  };
  return { given, end };
};

const framing: Target = {
  name: 'lines',
  dictionary: ['\n', '\n\n', '\r\n', 'x'.repeat(LIMIT - 1), 'x'.repeat(LIMIT)],
  run: (input) => {
    const bytes: Buffer[] = [];
    let error: unknown;
    from(chunksOf(input))
      .pipe(lines({ maxLineBytes: LIMIT }))
      .subscribe({
        next: (batch) => {
          const all = [...eachLine(batch)];
          ensure(all.length === batch.count, 'the count of lines');
          ensure(
            all.every((each) => each.length <= LIMIT && each.indexOf(10) === each.length - 1),
            'a line has one newline, and is not over the limit',
          );
          bytes.push(Buffer.from(batch.bytes));
        },
        error: (reason: unknown) => (error = reason),
      });
    const given = Buffer.concat(bytes);
    ensure(given.equals(input.subarray(0, given.length)), 'the bytes are those that came');
    return outcomeOf(
      () => {
        if (error !== undefined) throw error as Error;
        ensure(given.length === input.lastIndexOf(10) + 1, 'all whole lines are given');
      },
      () => `${Math.min(bytes.length, 12)} batches`,
      ProtocolError,
    );
  },
};

const relaySide: Target = {
  name: 'commands',
  dictionary: WORDS,
  run: (input) => {
    const passed: string[] = [];
    const { given, end } = run(
      (chunks) =>
        from(chunks).pipe(
          lines({ maxLineBytes: LIMIT }),
          parseCommands({ connection: fakeConnection(), nonce: NONCE, verify }),
        ),
      input,
    );
    const sent = given.map((command) => {
      if (command.type === 'tokens') passed.push(Buffer.from(command.lines.bytes).toString('latin1'));
      return command.type;
    });
    ensure(sent.lastIndexOf('join') <= 0, 'one joins once, and first');
    ensure(!sent.includes('leave') || sent.indexOf('leave') === sent.length - 1, 'who has left says nothing');
    return outcomeOf(
      end,
      (ended) => `${ended}: ${sent.slice(0, 6).join()}, ${Math.min(passed.length, 3)} passed`,
      ProtocolError,
    );
  },
};

const clientSide: Target = {
  name: 'entries',
  dictionary: WORDS,
  run: (input) => {
    const { given, end } = run(
      (chunks) => from(chunks).pipe(lines({ maxLineBytes: 4 * LIMIT }), entries()),
      input,
    );
    let before = -1;
    for (const each of given) {
      if (!('position' in each)) continue;
      ensure(each.position > before, 'positions grow');
      before = each.position;
    }
    const sent = given.map(({ type }) => type);
    ensure(sent.filter((each) => each === 'welcome').length <= 1, 'one is welcomed once');
    return outcomeOf(end, (ended) => `${ended}: ${sent.slice(0, 6).join()}`, ProtocolError, RefusedError);
  },
};

/** Each parser of a line; what it has read and what is written of that have to be one. */
const PARSERS: Readonly<Record<string, (line: string) => string>> = {
  greeting: (line) => `${parseGreeting(line).length}`,
  hello: (line) => {
    const read = parseHello(line);
    ensure(formatHello(parseHello(formatHello(read))) === formatHello(read), 'an answer reads back');
    ensure(!/[\s\p{C}]/u.test(read.nick), 'a nick is one word that can be seen');
    return `hello ${Object.keys(read).join()}`;
  },
  welcome: (line) => {
    const read = parseWelcome(line);
    ensure(formatWelcome(parseWelcome(formatWelcome(read))) === formatWelcome(read), 'a welcome reads back');
    return `welcome ${read.durability} ${typeof read.members}`;
  },
  control: (line) => {
    const read = parseControl(line);
    if (read !== undefined)
      ensure(
        formatControl(parseControl(formatControl(read)) ?? read) === formatControl(read),
        'a control reads back',
      );
    return `control ${read?.type ?? 'none'}`;
  },
  announcement: (line) => {
    const read = parseAnnouncement(line);
    if (read !== undefined) ensure(formatAnnouncement(read) === line, 'an announcement reads back');
    return `announcement ${read?.type ?? 'none'} ${read?.nicks.length === 0}`;
  },
  resume: (line) => `resume ${Number.isSafeInteger(parseResume(line).n)}`,
  number: (line) => {
    const read = parseNumber(line);
    ensure(read === undefined || (Number.isSafeInteger(read) && String(read) === line), 'one text a number');
    return `number ${typeof read}`;
  },
  fields: (line) => `fields ${Math.min(parseFields(line.split(' ')).size, 9)}`,
};

const parsers: Target = {
  name: 'parsers',
  dictionary: WORDS,
  run: (input) =>
    Object.values(PARSERS)
      .map((parse) => outcomeOf(() => parse(input.toString()), String, ProtocolError))
      .join('; '),
};

const shape: Target = {
  name: 'tokenLines',
  dictionary: ['gAAAA', '=', '==', '\n', token('t'), '-'.repeat(95)],
  run: (input) => {
    const are = isTokenBatch(input);
    const whole = /^(?:(?=[^\n]{100,}\n)(?=(?:[^\n]{4})+\n)gAAAA[\w-]*={0,2}\n)*$/;
    ensure(are === whole.test(input.toString('latin1')), 'tokens are what a regular expression says');
    return `${are} ${Math.min(input.filter((byte) => byte === 10).length, 5)}`;
  },
};

export const wireTargets: readonly Target[] = [framing, relaySide, clientSide, parsers, shape];

import { from, type Observable } from 'rxjs';
import { commands } from '../../../streams/relay/commands.js';
import { entries } from '../../../streams/client/entries.js';
import {
  announcementLine,
  areTokens,
  controlLine,
  eachLine,
  helloLine,
  lines,
  ProtocolError,
  readAnnouncement,
  readControl,
  readGreeting,
  readHello,
  readResume,
  readWelcome,
  RefusedError,
  welcomeLine,
} from '../../../streams/wire/index.js';
import { readFields, readNumber } from '../../../streams/wire/fields.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { hello, LOBBY, NONCE, PROOF, token, verify } from '../../support/wire.js';
import type { Target } from '../campaign.js';
import { must, outcomeOf } from './expectations.js';

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
  words: ['\n', '\n\n', '\r\n', 'x'.repeat(LIMIT - 1), 'x'.repeat(LIMIT)],
  read: (input) => {
    const bytes: Buffer[] = [];
    let error: unknown;
    from(chunksOf(input))
      .pipe(lines({ limit: LIMIT }))
      .subscribe({
        next: (batch) => {
          const all = [...eachLine(batch)];
          must(all.length === batch.count, 'the count of lines');
          must(
            all.every((each) => each.length <= LIMIT && each.indexOf(10) === each.length - 1),
            'a line has one newline, and is not over the limit',
          );
          bytes.push(Buffer.from(batch.bytes));
        },
        error: (reason: unknown) => (error = reason),
      });
    const given = Buffer.concat(bytes);
    must(given.equals(input.subarray(0, given.length)), 'the bytes are those that came');
    return outcomeOf(
      () => {
        if (error !== undefined) throw error as Error;
        must(given.length === input.lastIndexOf(10) + 1, 'all whole lines are given');
      },
      () => `${Math.min(bytes.length, 12)} batches`,
      ProtocolError,
    );
  },
};

const relaySide: Target = {
  name: 'commands',
  words: WORDS,
  read: (input) => {
    const passed: string[] = [];
    const { given, end } = run(
      (chunks) =>
        from(chunks).pipe(
          lines({ limit: LIMIT }),
          commands({ connection: fakeConnection(), nonce: NONCE, verify }),
        ),
      input,
    );
    const said = given.map((command) => {
      if (command.type === 'tokens') passed.push(Buffer.from(command.lines.bytes).toString('latin1'));
      return command.type;
    });
    must(said.lastIndexOf('join') <= 0, 'one joins once, and first');
    must(!said.includes('leave') || said.indexOf('leave') === said.length - 1, 'who has left says nothing');
    return outcomeOf(
      end,
      (ended) => `${ended}: ${said.slice(0, 6).join()}, ${Math.min(passed.length, 3)} passed`,
      ProtocolError,
    );
  },
};

const clientSide: Target = {
  name: 'entries',
  words: WORDS,
  read: (input) => {
    const { given, end } = run((chunks) => from(chunks).pipe(lines({ limit: 4 * LIMIT }), entries()), input);
    let before = -1;
    for (const each of given) {
      if (!('position' in each)) continue;
      must(each.position > before, 'positions grow');
      before = each.position;
    }
    const said = given.map(({ type }) => type);
    must(said.filter((each) => each === 'welcome').length <= 1, 'one is welcomed once');
    return outcomeOf(end, (ended) => `${ended}: ${said.slice(0, 6).join()}`, ProtocolError, RefusedError);
  },
};

/** Each parser of a line; what it has read and what is written of that have to be one. */
const PARSERS: Readonly<Record<string, (line: string) => string>> = {
  greeting: (line) => `${readGreeting(line).length}`,
  hello: (line) => {
    const read = readHello(line);
    must(helloLine(readHello(helloLine(read))) === helloLine(read), 'an answer reads back');
    must(!/[\s\p{C}]/u.test(read.nick), 'a nick is one word that can be seen');
    return `hello ${Object.keys(read).join()}`;
  },
  welcome: (line) => {
    const read = readWelcome(line);
    must(welcomeLine(readWelcome(welcomeLine(read))) === welcomeLine(read), 'a welcome reads back');
    return `welcome ${read.durability} ${typeof read.members}`;
  },
  control: (line) => {
    const read = readControl(line);
    if (read !== undefined)
      must(controlLine(readControl(controlLine(read)) ?? read) === controlLine(read), 'a control reads back');
    return `control ${read?.type ?? 'none'}`;
  },
  announcement: (line) => {
    const read = readAnnouncement(line);
    if (read !== undefined) must(announcementLine(read) === line, 'an announcement reads back');
    return `announcement ${read?.type ?? 'none'} ${read?.nicks.length === 0}`;
  },
  resume: (line) => `resume ${Number.isSafeInteger(readResume(line).n)}`,
  number: (line) => {
    const read = readNumber(line);
    must(read === undefined || (Number.isSafeInteger(read) && String(read) === line), 'one text a number');
    return `number ${typeof read}`;
  },
  fields: (line) => `fields ${Math.min(readFields(line.split(' ')).size, 9)}`,
};

const parsers: Target = {
  name: 'parsers',
  words: WORDS,
  read: (input) =>
    Object.values(PARSERS)
      .map((parse) => outcomeOf(() => parse(input.toString()), String, ProtocolError))
      .join('; '),
};

const shape: Target = {
  name: 'tokenLines',
  words: ['gAAAA', '=', '==', '\n', token('t'), '-'.repeat(95)],
  read: (input) => {
    const are = areTokens(input);
    const whole = /^(?:(?=[^\n]{100,}\n)(?=(?:[^\n]{4})+\n)gAAAA[\w-]*={0,2}\n)*$/;
    must(are === whole.test(input.toString('latin1')), 'tokens are what a regular expression says');
    return `${are} ${Math.min(input.filter((byte) => byte === 10).length, 5)}`;
  },
};

export const wireTargets: readonly Target[] = [framing, relaySide, clientSide, parsers, shape];

import { from } from 'rxjs';
import { awaitNickPrompt } from '../../../streams/classic/classicClient.js';
import { parseNickReply } from '../../../streams/classic/framing/frames.js';
import { parseNotices } from '../../../streams/classic/notices.js';
import { tokenScanner } from '../../../streams/classic/framing/tokenScanner.js';
import { ProtocolError } from '../../../streams/wire/index.js';
import { OTHER_KEY, isAuthentic, token, tokenOfBlocks } from '../../support/classic/wire.js';
import type { Target } from '../campaign.js';
import { ensure, outcomeOf } from './expectations.js';

const WORDS = [
  'NICK',
  'Connected to the server.',
  ' joined the chat.',
  ' left the chat.',
  'gAAAAA',
  '=',
  '==',
  'José',
  '\n',
  '\u001b[2J',
  token('bob: hi'),
  tokenOfBlocks(3),
  tokenOfBlocks(3, OTHER_KEY),
  'x'.repeat(64),
];

/** The longest token in this target, in characters; small, so that inputs reach it. */
const LIMIT = 600;

/** The input cut into chunks, at places that its own bytes name. */
const chunksOf = (input: Buffer): Buffer[] => {
  const ends = [...input.subarray(0, 8)]
    .map((byte) => (byte * 257) % (input.length + 1))
    .sort((a, b) => a - b);
  return [...ends, input.length].map((end, n) => input.subarray(n === 0 ? 0 : ends[n - 1], end));
};

const chunks: Target = {
  name: 'classicPieces',
  dictionary: WORDS,
  run: (input) =>
    [undefined, isAuthentic]
      .map((proof) =>
        outcomeOf(
          () => {
            const scanner = tokenScanner({ isAuthentic: proof, maxTokenLength: LIMIT });
            const read = chunksOf(input).flatMap((chunk) => scanner.push(chunk));
            if (scanner.error !== undefined) throw scanner.error;
            const found = [...read, ...scanner.end()];
            ensure(
              Buffer.concat(found.map(({ bytes }) => bytes)).equals(input),
              'the chunks contain the whole input, in order',
            );
            for (const { type, bytes } of found)
              ensure(
                type !== 'token' ||
                  (proof?.(bytes) ?? /^gAAAAA[\w-]+=*$/.test(Buffer.from(bytes).toString('latin1'))),
                'a token is one',
              );
            ensure(scanner.end().length === 0, 'nothing is emitted twice');
            return found;
          },
          (found) =>
            found
              .slice(0, 6)
              .map(({ type }) => type)
              .join(),
          ProtocolError,
        ),
      )
      .join('; '),
};

const notices: Target = {
  name: 'classicNotices',
  dictionary: WORDS,
  run: (input) =>
    outcomeOf(
      () => {
        const text = input.toString();
        const read = parseNotices(text);
        const again = read.map((each) => {
          switch (each.type) {
            case 'connected':
              return 'Connected to the server.';
            case 'other':
              return each.text;
            default:
              return `${each.nick} ${each.type} the chat.`;
          }
        });
        ensure(again.join('') === text, 'the texts contain the whole input, in order');
        return read;
      },
      (read) =>
        read
          .slice(0, 6)
          .map(({ type }) => type)
          .join(),
    ),
};

const handshake: Target = {
  name: 'classicHandshake',
  dictionary: WORDS,
  run: (input) => {
    const nicks: string[] = [];
    let error: unknown;
    let replies = 0;
    from(chunksOf(input))
      .pipe(parseNickReply({ idle$: from(['now']) }))
      .subscribe({
        next: (each) => {
          if (each.type === 'nick') nicks.push(each.nick);
        },
        error: (reason: unknown) => (error = reason),
      });
    ensure(nicks.length <= 1, 'one has one nick');
    ensure(
      nicks.every((nick) => nick !== '' && !/[\p{C}\n]/u.test(nick)),
      'a nick can be seen',
    );
    const client: unknown[] = [];
    from(chunksOf(input))
      .pipe(awaitNickPrompt(() => (replies += 1)))
      .subscribe({ error: (reason: unknown) => client.push(reason) });
    ensure(
      replies === (input.subarray(0, 4).toString() === 'NICK' && client.length === 0 ? 1 : 0) ||
        client.length > 0,
      'who is asked answers once',
    );
    return outcomeOf(
      () => {
        for (const each of [error, ...client]) if (each !== undefined) throw each as Error;
        return `${nicks.length} ${replies}`;
      },
      String,
      ProtocolError,
    );
  },
};

export const classicTargets: readonly Target[] = [chunks, notices, handshake];

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { from, Subject } from 'rxjs';
import { type MemberCommand, parseCommands } from '../../streams/relay/connection/parseCommands.js';
import { parseControl } from '../../streams/wire/control.js';
import { isTokenBatch, parseAnnouncement } from '../../streams/wire/entry.js';
import { ProtocolError } from '../../streams/wire/errors.js';
import { parseGreeting, parseHello, parseWelcome } from '../../streams/wire/handshake.js';
import { lines } from '../../streams/wire/lines.js';
import { chunkedBytes } from '../support/chunks.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { bytes, hello, NONCE, token, verify } from '../support/wire.js';
import { codePoint } from '../support/codePoint.js';

const LIMIT = 400;

/** Lines of a client, whole or damaged, and random bytes. */
const sent: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc
        .constantFrom(hello('alice'), token('x'), 'PING 0', 'PONG 1', 'BYE', '', 'NICK')
        .map((line) => bytes(line)),
      fc.string({ maxLength: 40, unit: codePoint }).map((line) => bytes(line)),
      fc.uint8Array({ maxLength: 60 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => Array.from(part))));

const damaged = fc
  .tuple(sent, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }))
  .map(([whole, wounds]) => {
    for (const [at, byte] of wounds) if (whole.length > 0) whole[at % whole.length] = byte;
    return whole;
  });

/** Input of a client that has joined. */
const joined = damaged.map((rest) => Uint8Array.from([...bytes(hello('alice')), ...rest]));

describe('random bytes', () => {
  test('never fail otherwise than by a ProtocolError, and nothing but tokens passes as tokens', () => {
    fc.assert(
      fc.property(chunkedBytes(fc.oneof(damaged, joined)), ([, chunks]) => {
        const sent: MemberCommand['type'][] = [];
        const passed: string[] = [];
        let error: unknown;
        from(chunks)
          .pipe(
            lines({ maxLineBytes: LIMIT }),
            parseCommands({ connection: fakeConnection(), nonce: NONCE, verify }),
          )
          .subscribe({
            next: (command) => {
              sent.push(command.type);
              if (command.type === 'tokens') passed.push(Buffer.from(command.lines.bytes).toString('latin1'));
            },
            error: (reason: unknown) => (error = reason),
          });
        if (error !== undefined) expect(error).toBeInstanceOf(ProtocolError);
        for (const tokens of passed) expect(tokens).toMatch(/^(gAAAA[\w-]{93,}={0,2}\n)+$/);
        if (sent.length > 0) expect(sent.lastIndexOf('join')).toBe(0);
        if (sent.includes('leave')) expect(sent.indexOf('leave')).toBe(sent.length - 1);
      }),
      { numRuns: 1000 },
    );
  });

  test('never make a parser fail otherwise than by a ProtocolError', () => {
    const word = fc.oneof(
      fc.constantFrom(
        'NICK',
        'WELCOME',
        'rxchat/1',
        'room=',
        'after=*/1',
        'last=2',
        'log=l',
        'next=1',
        'PING',
        '*',
        '+',
        '=',
      ),
      fc.string({ maxLength: 12, unit: codePoint }),
    );
    const line = fc.array(word, { maxLength: 8 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.oneof(line, fc.string({ unit: codePoint })), (text) => {
        for (const read of [parseGreeting, parseHello, parseWelcome, parseControl, parseAnnouncement])
          try {
            read(text);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
      }),
      { numRuns: 1000 },
    );
  });

  test('are tokens only where a regular expression says so too', () => {
    const line = fc
      .tuple(
        fc.constantFrom('gAAAA', 'gAAAA', 'gAAAA', 'gAAAB', 'gAA', ''),
        fc.integer({ min: 90, max: 99 }),
        fc.constantFrom('', '=', '==', '===', '===='),
        fc.constantFrom('\n', '\n', '\n', '\r\n', ' \n', '\0\n', 'é\n', ''),
      )
      .map(([head, length, pads, end]) => `${head}${'-'.repeat(length)}${pads}${end}`);
    const whole = /^(?:(?=[^\n]{100,}\n)(?=(?:[^\n]{4})+\n)gAAAA[\w-]*={0,2}\n)*$/;
    let pending = 0;
    fc.assert(
      fc.property(fc.array(line, { maxLength: 3 }), (all) => {
        const text = all.join('');
        const are = isTokenBatch(Buffer.from(text, 'utf8'));
        pending += Number(are && text !== '');
        expect(are).toBe(whole.test(text));
      }),
      { numRuns: 3000 },
    );
    expect(pending).toBeGreaterThan(0);
  });

  test('without a newline are taken up to the limit and no further', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 90 }), (limit, size) => {
        const chunk = new Subject<Uint8Array>();
        let code: string | undefined;
        chunk
          .pipe(lines({ maxLineBytes: limit }))
          .subscribe({ error: (error: ProtocolError) => (code = error.code) });
        let taken = 0;
        while (chunk.observed && taken < limit + size) {
          chunk.next(new Uint8Array(size).fill(97));
          taken += size;
        }
        expect(code).toBe('line-too-long');
        expect(taken).toBeGreaterThanOrEqual(limit);
        expect(taken).toBeLessThan(limit + size);
      }),
    );
  });
});

import { describe, expect, test } from '@jest/globals';
import { map, of, pipe, take, toArray } from 'rxjs';
import {
  type MemberCommand,
  parseCommands,
  type ParseCommandsOptions,
} from '../../../../streams/relay/connection/parseCommands.js';
import { ProtocolError } from '../../../../streams/wire/errors.js';
import { proofMessage } from '../../../../streams/wire/handshake.js';
import { encodeText, toBase64url } from '../../../../streams/wire/encoding.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { marbles } from '../../../support/marbles.js';
import {
  batch,
  CELLAR,
  hello,
  LOBBY,
  NONCE,
  PROOF,
  SESSION,
  describeEvent,
  token,
  verify,
} from '../../../support/wire.js';

const options = (more: Partial<ParseCommandsOptions> = {}): ParseCommandsOptions => ({
  connection: fakeConnection(),
  nonce: NONCE,
  verify,
  ...more,
});

const sent = (more?: Partial<ParseCommandsOptions>) => pipe(parseCommands(options(more)), map(describeEvent));

const line = {
  A: batch(hello('alice')),
  B: batch(hello('bob')),
  x: batch(token('x')),
  y: batch(token('y'), token('z')),
  p: batch('PING 0'),
  o: batch('PONG 0'),
  q: batch('BYE'),
  '?': batch('GAP 1 2'),
};

const command = {
  A: 'alice join',
  B: 'bob join',
  x: 'alice: x',
  y: 'alice: y z',
  p: 'alice ping',
  q: 'alice leave: bye',
};

const noAnswer = new ProtocolError('bad-line', 'expected NICK <nick> room=... session=... proof=...');
const badLine = new ProtocolError('bad-line', 'expected a token, PING, PONG or BYE');

describe('parseCommands', () => {
  test('emits nothing when the source is silent', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line$ = cold('-', line);
      expectObservable(line$.pipe(sent())).toBe('-');
      expectSubscriptions(line$.subscriptions).toBe('^');
    });
  });

  test('completes when the source is empty', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|', line).pipe(sent())).toBe('|');
    });
  });

  test('emits a join when the first line answers NICK with a valid proof', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-A-|', line).pipe(sent())).toBe('-A-|', command);
    });
  });

  test('assigns an announced owner to the member, and refuses an invalid owner signature', () => {
    const printed = { key: CELLAR, signature: PROOF };
    const wrong = { key: CELLAR, signature: PROOF.replace('B', 'C') };
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('o', { o: batch(hello('alice', { owner: printed })) });
      const owner$ = line$.pipe(
        parseCommands(options()),
        map((each) => each.member.owner),
      );
      expectObservable(owner$).toBe('o', { o: CELLAR });
      const bad$ = cold('o', { o: batch(hello('alice', { owner: wrong })) });
      const refusal = new ProtocolError('bad-proof', "the owner's signature of the nick is invalid");
      expectObservable(bad$.pipe(sent())).toBe('#', {}, refusal);
    });
  });

  test('emits batches of tokens and pings after the join, and nothing for a PONG', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('                     -Ax-y-p-o-|', line);
      expectObservable(line$.pipe(sent())).toBe('-Ax-y-p---|', command);
    });
  });

  test('passes an error of the source on', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-A-#', line, 'reset').pipe(sent())).toBe('-A-#', command, 'reset');
    });
  });

  test('ends the commands with BYE, and ignores what follows', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const line$ = hot('                      -A-q-x-', line);
      expectObservable(line$.pipe(sent())).toBe('-A-(q|)', command);
      expectSubscriptions(line$.subscriptions).toBe('^--!');
    });
  });

  test('unsubscribes from an endless source when its subscriber leaves', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const line$ = hot('-Axxxx', line);
      const unsub = '    ---!';
      expectObservable(line$.pipe(sent()), unsub).toBe('-Ax', command);
      expectSubscriptions(line$.subscriptions).toBe('     ^--!');
    });
  });

  test('keeps a separate member for each of two pipelines of one operator value', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = sent();
      expectObservable(cold('A--x|', line).pipe(operator)).toBe('A--x|', command);
      expectObservable(cold('-B-p|', line).pipe(operator)).toBe('-B-p|', { B: 'bob join', p: 'bob ping' });
    });
  });

  test('emits the same member object in all commands of one member', () => {
    const connection = fakeConnection();
    of(batch(hello('alice', { last: 5 })), line.x, line.p, line.q)
      .pipe(parseCommands(options({ connection })), toArray())
      .subscribe((all: MemberCommand[]) => {
        const [member, ...others] = new Set(all.map((each) => each.member));
        const hello = {
          nick: 'alice',
          room: LOBBY,
          session: SESSION,
          after: undefined,
          last: 5,
          owner: undefined,
        };
        expect(member).toStrictEqual({ ...hello, connection, readControl: connection });
        expect(others).toStrictEqual([]);
        expect(all).toHaveLength(4);
      });
    expect.assertions(3);
  });
});

describe('parseCommands with a batch of different lines', () => {
  test('parses the batch line by line', () => {
    marbles(({ cold, expectObservable }) => {
      const mixed = batch(hello('alice'), token('x'), 'PING 3', token('y'), 'BYE', token('z'));
      expectObservable(cold('m-', { m: mixed }).pipe(sent())).toBe('(abcde|)', {
        a: 'alice join',
        b: 'alice: x',
        c: 'alice ping',
        d: 'alice: y',
        e: 'alice leave: bye',
      });
    });
  });

  test('emits what preceded an invalid line, then errors', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line$ = cold('A-m-x', { ...line, m: batch(token('x'), 'PING 3', 'GAP 1 2', token('y')) });
      expectObservable(line$.pipe(sent())).toBe('A-(xp#)', command, badLine);
      expectSubscriptions(line$.subscriptions).toBe('^-!');
    });
  });

  test('stops parsing the batch when the subscriber unsubscribes', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('m-', { m: batch(hello('alice'), token('x'), 'GAP 1 2') });
      expectObservable(line$.pipe(sent(), take(2))).toBe('(Ax|)', command);
    });
  });
});

describe('parseCommands with a proof', () => {
  test('verifies the proof over nonce, room, session, channel binding and nick', () => {
    const requested: unknown[] = [];
    const connection = { ...fakeConnection(), channelBinding: new Uint8Array([1, 2, 3]) };
    const binding = toBase64url(connection.channelBinding);
    const yes = (...question: [string, Uint8Array, string]) => requested.push(question) > 0;
    of(line.A)
      .pipe(parseCommands(options({ connection, verify: yes })))
      .subscribe();
    expect(requested).toStrictEqual([
      [LOBBY, proofMessage({ nonce: NONCE, room: LOBBY, session: SESSION, binding, nick: 'alice' }), PROOF],
    ]);
  });

  test('verifies the proof once, before it emits the join', () => {
    marbles(({ cold, expectObservable }) => {
      const other = toBase64url(new Uint8Array(64));
      const line$ = cold('a-x', { a: batch(hello('alice', { proof: other })), x: line.x });
      const error = new ProtocolError('bad-proof', 'the proof is invalid for this room');
      expectObservable(line$.pipe(sent())).toBe('#', {}, error);
    });
  });

  test('errors when verify throws', () => {
    marbles(({ cold, expectObservable }) => {
      const fault = new Error('no such curve');
      const broken = () => {
        throw fault;
      };
      expectObservable(cold('-A', line).pipe(sent({ verify: broken }))).toBe('-#', {}, fault);
    });
  });
});

describe('parseCommands with an invalid line', () => {
  const first: [string, Uint8Array, ProtocolError][] = [
    ['a token before the answer', line.x.bytes, noAnswer],
    ['an empty line', encodeText('\n'), noAnswer],
    [
      'bytes that are not UTF-8',
      new Uint8Array([0x4e, 0xff, 0xfe, 10]),
      new ProtocolError('bad-line', 'the answer to NICK is not UTF-8'),
    ],
    [
      'a nick with a comma',
      batch(hello('a,b')).bytes,
      new ProtocolError('nick-invalid', 'the nick has a comma, or begins with *'),
    ],
  ];

  test.each(first)('errors when the first line is invalid: %s', (_name, bytes, error) => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-l-', { l: { bytes, count: 1 } }).pipe(sent())).toBe('-#', {}, error);
    });
  });

  const next: [string, Uint8Array][] = [
    ['text', encodeText('hello\n')],
    ['an announcement', encodeText('+mallory\n')],
    ['a second NICK', line.A.bytes],
    ['an empty line', encodeText('\n')],
    ['a token with a carriage return', encodeText(`${token('x')}\r\n`)],
    ['a control of the relay', encodeText('ERR internal no\n')],
    ['a PING without a number', encodeText('PING\n')],
    ['bytes that are not UTF-8', new Uint8Array([0xff, 10])],
  ];

  test.each(next)('errors when a later line is invalid: %s', (_name, bytes) => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('Al-', { A: line.A, l: { bytes, count: 1 } });
      expectObservable(line$.pipe(sent())).toBe('A#', command, badLine);
    });
  });
});

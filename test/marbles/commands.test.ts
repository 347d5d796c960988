import { describe, expect, test } from '@jest/globals';
import { map, of, pipe, take, toArray } from 'rxjs';
import { type Command, commands, type CommandsOptions } from '../../streams/relay/commands.js';
import { ProtocolError } from '../../streams/wire/errors.js';
import { proofMessage } from '../../streams/wire/handshake.js';
import { toBase64url } from '../../streams/wire/base64url.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { batch, CELLAR, hello, LOBBY, NONCE, PROOF, SESSION, tell, token, verify } from '../support/wire.js';

const options = (more: Partial<CommandsOptions> = {}): CommandsOptions => ({
  connection: fakeConnection(),
  nonce: NONCE,
  verify,
  ...more,
});

const spoken = (more?: Partial<CommandsOptions>) => pipe(commands(options(more)), map(tell));

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

const noAnswer = new ProtocolError(
  'bad-line',
  'the answer to NICK is NICK <nick> room=... session=... proof=...',
);
const badLine = new ProtocolError('bad-line', 'expected a token, PING, PONG or BYE');

describe('commands', () => {
  test('nothing comes of a source that says nothing', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line$ = cold('-', line);
      expectObservable(line$.pipe(spoken())).toBe('-');
      expectSubscriptions(line$.subscriptions).toBe('^');
    });
  });

  test('completes with an empty source', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|', line).pipe(spoken())).toBe('|');
    });
  });

  test('a first line that answers NICK with a proof that holds is a join', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-A-|', line).pipe(spoken())).toBe('-A-|', command);
    });
  });

  test('an owner that is shown is the one of the member; a signature that does not hold is refused', () => {
    const shown = { key: CELLAR, signature: PROOF };
    const wrong = { key: CELLAR, signature: PROOF.replace('B', 'C') };
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('o', { o: batch(hello('alice', { owner: shown })) });
      const owner$ = line$.pipe(
        commands(options()),
        map((each) => each.member.owner),
      );
      expectObservable(owner$).toBe('o', { o: CELLAR });
      const bad$ = cold('o', { o: batch(hello('alice', { owner: wrong })) });
      const refusal = new ProtocolError('bad-proof', 'the signature of the owner does not hold');
      expectObservable(bad$.pipe(spoken())).toBe('#', {}, refusal);
    });
  });

  test('then come tokens, a batch at a time, and pings; a PONG is no news', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('                     -Ax-y-p-o-|', line);
      expectObservable(line$.pipe(spoken())).toBe('-Ax-y-p---|', command);
    });
  });

  test('an error of the source passes', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-A-#', line, 'reset').pipe(spoken())).toBe('-A-#', command, 'reset');
    });
  });

  test('BYE is the last command, whatever is said after it', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const line$ = hot('                      -A-q-x-', line);
      expectObservable(line$.pipe(spoken())).toBe('-A-(q|)', command);
      expectSubscriptions(line$.subscriptions).toBe('^--!');
    });
  });

  test('an endless source is let go when nobody listens any more', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const line$ = hot('-Axxxx', line);
      const unsub = '    ---!';
      expectObservable(line$.pipe(spoken()), unsub).toBe('-Ax', command);
      expectSubscriptions(line$.subscriptions).toBe('     ^--!');
    });
  });

  test('one operator value serves two pipelines, each with its own member', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = spoken();
      expectObservable(cold('A--x|', line).pipe(operator)).toBe('A--x|', command);
      expectObservable(cold('-B-p|', line).pipe(operator)).toBe('-B-p|', { B: 'bob join', p: 'bob ping' });
    });
  });

  test('all of a member is one value, known by identity', () => {
    const connection = fakeConnection();
    of(batch(hello('alice', { last: 5 })), line.x, line.p, line.q)
      .pipe(commands(options({ connection })), toArray())
      .subscribe((all: Command[]) => {
        const [member, ...others] = new Set(all.map((each) => each.member));
        const hello = {
          nick: 'alice',
          room: LOBBY,
          session: SESSION,
          after: undefined,
          last: 5,
          owner: undefined,
        };
        expect(member).toStrictEqual({ ...hello, connection, flow: connection });
        expect(others).toStrictEqual([]);
        expect(all).toHaveLength(4);
      });
    expect.assertions(3);
  });
});

describe('a batch with more than one kind of line', () => {
  test('is read line by line', () => {
    marbles(({ cold, expectObservable }) => {
      const mixed = batch(hello('alice'), token('x'), 'PING 3', token('y'), 'BYE', token('z'));
      expectObservable(cold('m-', { m: mixed }).pipe(spoken())).toBe('(abcde|)', {
        a: 'alice join',
        b: 'alice: x',
        c: 'alice ping',
        d: 'alice: y',
        e: 'alice leave: bye',
      });
    });
  });

  test('gives what stood before a wrong line, then the error', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line$ = cold('A-m-x', { ...line, m: batch(token('x'), 'PING 3', 'GAP 1 2', token('y')) });
      expectObservable(line$.pipe(spoken())).toBe('A-(xp#)', command, badLine);
      expectSubscriptions(line$.subscriptions).toBe('^-!');
    });
  });

  test('is not read on when the listener has enough', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('m-', { m: batch(hello('alice'), token('x'), 'GAP 1 2') });
      expectObservable(line$.pipe(spoken(), take(2))).toBe('(Ax|)', command);
    });
  });
});

describe('the proof', () => {
  test('is asked for over the nonce, the room, the session, the channel binding and the nick', () => {
    const asked: unknown[] = [];
    const connection = { ...fakeConnection(), channelBinding: new Uint8Array([1, 2, 3]) };
    const binding = toBase64url(connection.channelBinding);
    const yes = (...question: [string, Uint8Array, string]) => asked.push(question) > 0;
    of(line.A)
      .pipe(commands(options({ connection, verify: yes })))
      .subscribe();
    expect(asked).toStrictEqual([
      [LOBBY, proofMessage({ nonce: NONCE, room: LOBBY, session: SESSION, binding, nick: 'alice' }), PROOF],
    ]);
  });

  test('is asked for once, and before the join', () => {
    marbles(({ cold, expectObservable }) => {
      const other = toBase64url(new Uint8Array(64));
      const line$ = cold('a-x', { a: batch(hello('alice', { proof: other })), x: line.x });
      const error = new ProtocolError('bad-proof', 'the proof does not hold for this room');
      expectObservable(line$.pipe(spoken())).toBe('#', {}, error);
    });
  });

  test('a verify that throws is an error of this stream', () => {
    marbles(({ cold, expectObservable }) => {
      const fault = new Error('no such curve');
      const broken = () => {
        throw fault;
      };
      expectObservable(cold('-A', line).pipe(spoken({ verify: broken }))).toBe('-#', {}, fault);
    });
  });
});

describe('a wrong line', () => {
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

  test.each(first)('as the first one is an error: %s', (_name, bytes, error) => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-l-', { l: { bytes, count: 1 } }).pipe(spoken())).toBe('-#', {}, error);
    });
  });

  const later: [string, Uint8Array][] = [
    ['text', encodeText('hello\n')],
    ['an announcement', encodeText('+mallory\n')],
    ['a second NICK', line.A.bytes],
    ['an empty line', encodeText('\n')],
    ['a token with a carriage return', encodeText(`${token('x')}\r\n`)],
    ['a control of the relay', encodeText('ERR internal no\n')],
    ['a PING without a number', encodeText('PING\n')],
    ['bytes that are not UTF-8', new Uint8Array([0xff, 10])],
  ];

  test.each(later)('as a later one is an error: %s', (_name, bytes) => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('Al-', { A: line.A, l: { bytes, count: 1 } });
      expectObservable(line$.pipe(spoken())).toBe('A#', command, badLine);
    });
  });
});

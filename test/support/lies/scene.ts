import { createHash } from 'node:crypto';
import { NEVER, of, Subject } from 'rxjs';
import { createIdentity, deriveRoomKeys, nodeCipher, sha256, verifySignature } from '../../../src/index.js';
import type { Plaintext, Token } from '../../../streams/client/cipher.js';
import { conversation, type Heard } from '../../../streams/client/conversation.js';
import { encodeEnvelope, type Envelope } from '../../../streams/client/envelope.js';
import type { Identity } from '../../../streams/client/identity.js';
import { toBase64url } from '../../../streams/wire/base64url.js';
import type { Connection } from '../../../streams/wire/connection.js';
import { greetingLine, welcomeLine } from '../../../streams/wire/handshake.js';
import { decodeTextLossy, encodeText } from '../../../streams/wire/utf8.js';

/** Numbers from 0 up to 1 that are the same for the same seed: mulberry32. */
export const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** An honest client, whose relay is in the hands of the scene. */
export interface Person {
  readonly nick: string;
  readonly identity: Identity;
  readonly heard: readonly Heard[];
  /** What ended it. */
  readonly error: unknown;
  /** Says a line, and gives the token that goes to the relay, which nobody has seen yet. */
  say(text: string): Token;
  /** The relay gives it these entries. */
  show(...entries: readonly string[]): void;
  leave(): void;
}

/** A room of honest people with a relay that does what the scene wants. All cryptography is the real one. */
export interface Scene {
  readonly room: string;
  readonly random: () => number;
  /** One of some. */
  readonly pick: <T>(of: readonly T[]) => T;
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
  /** Who is there now. */
  readonly people: readonly Person[];
  /** Somebody comes in who reads from the beginning, and is announced. */
  join(nick: string, identity?: Identity, log?: string): Person;
  /** Gives everybody these entries, in this order, but for some. */
  publish(entries: readonly string[], but?: readonly Person[]): void;
  /** Somebody says something, and everybody gets it. */
  talk(who: Person, text?: string): Token;
  /** A token by somebody who has the room's key, and keeps to no rule. */
  forge(envelope: Partial<Envelope> & { readonly key: string }, signer: Identity): Token;
  /** What is in a token, for who has the room's key; and a token of that, made anew. */
  open(token: Token): Plaintext;
  seal(plaintext: Plaintext): Token;
  end(): void;
}

export interface SceneOptions {
  readonly seed: number;
  /** Whether people talk before the lie. */
  readonly warm?: boolean;
  /** The id of the log that the relay tells somebody. */
  readonly logOf?: (nick: string) => string;
}

/** The session of who keeps to no rule. */
export const FORGED: string = toBase64url(new Uint8Array(16).fill(99));

const NONCE = toBase64url(new Uint8Array(32));

export const scene = ({ seed, warm = true, logOf = () => 'log' }: SceneOptions): Scene => {
  const random = seeded(seed);
  const { room, fernetKey, sign } = deriveRoomKeys(createHash('sha256').update(`${seed}`).digest());
  const cipher = nodeCipher();
  const people: Person[] = [];
  const log: string[] = [];
  let runs = 0;
  let said = 0;

  const join: Scene['join'] = (nick, identity = createIdentity(), id = logOf(nick)) => {
    const chunk$ = new Subject<Uint8Array>();
    const say$ = new Subject<{ lines: readonly string[] }>();
    const heard: Heard[] = [];
    let ended: unknown;
    const tokens: Token[] = [];
    const show = (...lines: readonly string[]) => {
      chunk$.next(encodeText(lines.map((line) => `${line}\n`).join('')));
    };
    const connection: Connection = {
      peer: 'the scene',
      channelBinding: new Uint8Array(0),
      chunk$,
      writable$: NEVER,
      write: (bytes) => {
        const line = decodeTextLossy(bytes).trimEnd();
        if (line.startsWith('g')) tokens.push(line as Token);
        return true;
      },
      pause: () => undefined,
      resume: () => undefined,
      close: () => undefined,
    };
    runs += 1;
    const session = toBase64url(new Uint8Array(16).fill(runs));
    const options = { nick, room, sign, session, run: session, identity, cipher, hash: sha256 };
    const keyring$ = of({ seal: fernetKey, open: [fernetKey] });
    const rest = { verify: verifySignature, keyring$, now: () => said, connect$: of(connection) };
    const subscription = say$
      .pipe(conversation({ ...options, ...rest, after: { log: '*', n: 0 } }))
      .subscribe({
        next: (each) => heard.push(each),
        error: (error: unknown) => (ended = error),
      });
    const next = log.length + 1;
    const begin = { log: id, next, first: 1, from: 1, durability: 'memory', count: 1, members: [] } as const;
    show(greetingLine(NONCE), welcomeLine(begin), ...log);
    const person: Person = {
      nick,
      identity,
      heard,
      get error() {
        return ended;
      },
      say: (text) => {
        said += 1;
        say$.next({ lines: [text] });
        const token = tokens.pop();
        if (token === undefined) throw new Error(`${nick} has sent nothing`);
        return token;
      },
      show,
      leave: () => {
        subscription.unsubscribe();
        people.splice(people.indexOf(person), 1);
      },
    };
    people.push(person);
    publish([`+${nick}`]);
    return person;
  };

  const publish: Scene['publish'] = (entries, but = []) => {
    log.push(...entries);
    for (const each of people) if (!but.includes(each)) each.show(...entries);
  };
  const talk: Scene['talk'] = (who, text = `${who.nick} ${said}`) => {
    const token = who.say(text);
    publish([token]);
    return token;
  };
  const seal = (plaintext: Plaintext) => cipher.seal(fernetKey, plaintext, 0);
  const pick = <T>(all: readonly T[]): T => {
    const one = all[Math.floor(random() * all.length)];
    if (one === undefined) throw new Error('there is nothing to pick');
    return one;
  };

  const [alice, bob, carol] = [join('alice'), join('bob'), join('carol')];
  if (warm) for (let n = 3 + Math.floor(random() * 8); n > 0; n -= 1) talk(pick([alice, bob, carol]));

  return {
    room,
    random,
    pick,
    alice,
    bob,
    carol,
    people,
    join,
    publish,
    talk,
    forge: (envelope, signer) => {
      const plain = {
        nick: 'mallory',
        lines: ['forged'],
        room,
        session: FORGED,
        counter: 1,
        time: 0,
        stored: 0,
      };
      return seal(encodeEnvelope({ ...plain, ...envelope }, signer));
    },
    open: (token) => {
      const opened = cipher.open(fernetKey, token);
      if (typeof opened === 'string') throw new Error(opened);
      return opened;
    },
    seal,
    end: () => {
      for (const each of [...people]) each.leave();
    },
  };
};

import { createHash } from 'node:crypto';
import { NEVER, of, Subject } from 'rxjs';
import { createIdentity, deriveRoomKeys, nodeCipher, sha256, verifySignature } from '../../../src/index.js';
import type { Plaintext, Token } from '../../../streams/client/envelope/cipher.js';
import { roomClient } from '../../../streams/client/roomClient.js';
import type { ClientEvent } from '../../../streams/client/clientEvent.js';
import { encodeEnvelope, type Envelope } from '../../../streams/client/envelope/envelope.js';
import type { Identity } from '../../../streams/client/envelope/identity.js';
import { decodeTextLossy, encodeText, toBase64url } from '../../../streams/wire/encoding.js';
import type { Connection } from '../../../streams/wire/connection.js';
import { type Ancestor, formatGreeting, formatWelcome } from '../../../streams/wire/handshake.js';

/** Returns a generator of numbers in [0, 1) that depend on the seed only (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** An honest client, whose relay the scene controls. */
export interface HonestClient {
  readonly nick: string;
  readonly identity: Identity;
  readonly events: readonly ClientEvent[];
  /** The error that ended it. */
  readonly error: unknown;
  /** Sends a line, and returns its token. The relay has not delivered the token to anyone yet. */
  send(text: string): Token;
  /** Delivers entries from the relay to this client. */
  receive(...entries: readonly string[]): void;
  leave(): void;
}

/** A room of honest members, whose relay the scene controls. All cryptography is real. */
export interface HostileRoom {
  readonly room: string;
  readonly random: () => number;
  /** Returns one of the values at random. */
  readonly pick: <T>(of: readonly T[]) => T;
  readonly alice: HonestClient;
  readonly bob: HonestClient;
  readonly carol: HonestClient;
  /** The present members. */
  readonly members: readonly HonestClient[];
  /** Adds a member who reads from the beginning, and announces the join. */
  join(nick: string, identity?: Identity, log?: string): HonestClient;
  /** Delivers entries to everyone in this order, except to `but`. */
  deliver(entries: readonly string[], but?: readonly HonestClient[]): void;
  /** Sends a message, and delivers it to everyone. */
  sendAndDeliver(who: HonestClient, text?: string): Token;
  /** Creates a token as a member could who has the room's key and breaks the rules. */
  forge(envelope: Partial<Envelope> & { readonly key: string }, signer: Identity): Token;
  /** Decrypts a token with the room's key; encrypts a plaintext. */
  open(token: Token): Plaintext;
  seal(plaintext: Plaintext): Token;
  dispose(): void;
}

export interface HostileRoomOptions {
  readonly seed: number;
  /** Whether members send messages before the attack. */
  readonly hasTraffic?: boolean;
  /** The id of the log that the relay reports to a member. */
  readonly logIdFor?: (nick: string) => string;
  /** The logs that the relay says it continues, to a member. */
  readonly ancestorsFor?: (nick: string) => readonly Ancestor[];
}

/** The session of a member who breaks the rules. */
export const FORGED_SESSION: string = toBase64url(new Uint8Array(16).fill(99));

const NONCE = toBase64url(new Uint8Array(32));

export const hostileRoom = ({
  seed,
  hasTraffic = true,
  logIdFor = () => 'log',
  ancestorsFor = () => [],
}: HostileRoomOptions): HostileRoom => {
  const random = seededRandom(seed);
  const { room, fernetKey, sign } = deriveRoomKeys(createHash('sha256').update(`${seed}`).digest());
  const cipher = nodeCipher();
  const clients: HonestClient[] = [];
  const log: string[] = [];
  let runs = 0;
  let sent = 0;

  const join: HostileRoom['join'] = (nick, identity = createIdentity(), id = logIdFor(nick)) => {
    const chunk$ = new Subject<Uint8Array>();
    const outgoing$ = new Subject<{ lines: readonly string[] }>();
    const received: ClientEvent[] = [];
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
    const options = { nick, room, sign, session, senderSession: session, identity, cipher, hash: sha256 };
    const keyring$ = of({ seal: fernetKey, open: [fernetKey] });
    const rest = { verify: verifySignature, keyring$, now: () => sent, connect$: of(connection) };
    const subscription = outgoing$
      .pipe(roomClient({ ...options, ...rest, after: { log: '*', n: 0 } }))
      .subscribe({
        next: (each) => received.push(each),
        error: (error: unknown) => (ended = error),
      });
    const next = log.length + 1;
    const place = { log: id, next, first: 1, from: 1, ancestors: ancestorsFor(nick) };
    const begin = { ...place, durability: 'memory' as const, count: 1, members: [] };
    show(formatGreeting(NONCE), formatWelcome(begin), ...log);
    const person: HonestClient = {
      nick,
      identity,
      events: received,
      get error() {
        return ended;
      },
      send: (text) => {
        sent += 1;
        outgoing$.next({ lines: [text] });
        const token = tokens.pop();
        if (token === undefined) throw new Error(`${nick} has sent nothing`);
        return token;
      },
      receive: show,
      leave: () => {
        subscription.unsubscribe();
        clients.splice(clients.indexOf(person), 1);
      },
    };
    clients.push(person);
    publish([`+${nick}`]);
    return person;
  };

  const publish: HostileRoom['deliver'] = (entries, but = []) => {
    log.push(...entries);
    for (const each of clients) if (!but.includes(each)) each.receive(...entries);
  };
  const startClient: HostileRoom['sendAndDeliver'] = (who, text = `${who.nick} ${sent}`) => {
    const token = who.send(text);
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
  if (hasTraffic)
    for (let n = 3 + Math.floor(random() * 8); n > 0; n -= 1) startClient(pick([alice, bob, carol]));

  return {
    room,
    random,
    pick,
    alice,
    bob,
    carol,
    members: clients,
    join,
    deliver: publish,
    sendAndDeliver: startClient,
    forge: (envelope, signer) => {
      const plain = {
        nick: 'mallory',
        lines: ['forged'],
        room,
        session: FORGED_SESSION,
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
    dispose: () => {
      for (const each of [...clients]) each.leave();
    },
  };
};

import { Subject, type Subscription, NEVER, timer } from 'rxjs';
import { isBatch, parseBatch } from '../../streams/relay/cluster/batch.js';
import { type Chain, EMPTY_CHAIN, readRecord } from '../../streams/relay/cluster/chain.js';
import { joinCluster } from '../../streams/relay/cluster/cluster.js';
import { sharedRoom, type SharedRoomOptions } from '../../streams/relay/cluster/sharedRoom.js';
import type { SharedMember } from '../../streams/relay/cluster/sharedRoster.js';
import type { Member, MemberCommand } from '../../streams/relay/connection/parseCommands.js';
import { Roster } from '../../streams/relay/members/roster.js';
import type { RoomEvent } from '../../streams/relay/serveRoom.js';
import type { Connection } from '../../streams/wire/connection.js';
import { decodeTextLossy, encodeText } from '../../streams/wire/encoding.js';
import type { FakeEngine, FakeLedger } from './fakeLedger.js';
import { fakeHash } from './envelopes.js';
import { LOBBY, sessionOf, token } from './wire.js';

/** A client's connection to a relay, and what it was sent. */
export interface RelayClient {
  readonly member: Member;
  readonly relay: number;
  /** Complete lines, without newlines. */
  readonly lines: readonly string[];
  /** Marks of the tokens that it sent. */
  readonly sent: readonly string[];
  readonly isOpen: boolean;
  /** Number of its lines that the relay reported as stored. */
  readonly stored: number;
  send(...marks: string[]): void;
  ping(): void;
  /** Ends the connection, with `BYE` or by breaking it. */
  leave(reason: 'bye' | 'broken'): void;
}

/** Several relays that share the room `LOBBY`. */
export interface Relays {
  join(relay: number, nick: string, more?: Partial<Member>): RelayClient;
  /** Ends a relay without a notice. */
  kill(relay: number): void;
  start(relay: number): void;
  /** Stops a relay as a signal does. */
  drain(relay: number): void;
  cut(relay: number): void;
  heal(relay: number): void;
  isRunning(relay: number): boolean;
  readonly clients: readonly RelayClient[];
  readonly events: readonly { readonly relay: number; readonly event: RoomEvent }[];
  readonly errors: readonly unknown[];
  stop(): void;
}

export interface RelaysOptions {
  readonly engine: FakeEngine;
  readonly count: number;
  readonly room?: Partial<SharedRoomOptions>;
  /** Makes the ledger of a relay worse. */
  readonly wrap?: (ledger: FakeLedger) => FakeLedger;
  readonly checkMs?: number;
}

interface RunningRelay {
  readonly ledger: FakeLedger;
  readonly command$: Subject<MemberCommand>;
  readonly subscription: Subscription;
}

interface MutableClient extends RelayClient {
  stored: number;
  closeByRelay(): void;
}

/** Starts relays. Works with fake timers and in virtual time. */
export const startRelays = ({
  engine,
  count,
  room = {},
  wrap = (ledger) => ledger,
  checkMs = Infinity,
}: RelaysOptions): Relays => {
  const relays = new Map<number, RunningRelay>();
  const clients: MutableClient[] = [];
  const events: { relay: number; event: RoomEvent }[] = [];
  const errors: unknown[] = [];
  let starts = 0;

  const start = (relay: number) => {
    if (relays.has(relay)) return;
    starts += 1;
    const ledger = wrap(engine.connect(`relay${relay}-${starts}`));
    const command$ = new Subject<MemberCommand>();
    let logs = 0;
    const event$ = command$.pipe(
      sharedRoom(LOBBY, {
        logId: () => `${ledger.relayId}-log${(logs += 1)}`,
        endOfTick$: timer(0),
        cluster: joinCluster(ledger, { checkMs }),
        hash: fakeHash,
        ...room,
      }),
    );
    const subscription = event$.subscribe({
      next: (event) => {
        events.push({ relay, event });
        if (event.type !== 'stored') return;
        const client = clients.find(({ member }) => member === event.member);
        if (client !== undefined) client.stored += event.count;
      },
      error: (error: unknown) => errors.push(error),
    });
    relays.set(relay, { ledger, command$, subscription });
  };

  /** Bytes that every command uses again: a relay that keeps them must copy them. */
  const buffer = Buffer.alloc(100_000);

  const join = (relay: number, nick: string, more: Partial<Member> = {}): RelayClient => {
    const lines: string[] = [];
    const sent: string[] = [];
    let rest = '';
    let isOpen = true;
    const running = relays.get(relay);
    const command = (each: MemberCommand) => running?.command$.next(each);
    const end = (reason: string) => {
      if (!isOpen) return;
      isOpen = false;
      command({ type: 'leave', member, reason });
    };
    const connection: Connection = {
      peer: 'fake',
      channelBinding: new Uint8Array(0),
      copiesOnWrite: true,
      chunk$: NEVER,
      writable$: NEVER,
      write: (bytes) => {
        const parts = (rest + decodeTextLossy(bytes)).split('\n');
        rest = parts.pop() ?? '';
        if (isOpen) lines.push(...parts);
        return true;
      },
      pause: () => undefined,
      resume: () => undefined,
      close: () => {
        end('closed');
      },
    };
    const session = sessionOf(nick);
    const member: Member = {
      nick,
      room: LOBBY,
      session,
      after: undefined,
      last: undefined,
      connection,
      readControl: connection,
      ...more,
    };
    const client: MutableClient = {
      member,
      relay,
      lines,
      sent,
      stored: 0,
      get isOpen() {
        return isOpen;
      },
      closeByRelay: () => {
        isOpen = false;
      },
      send: (...marks) => {
        if (!isOpen) return;
        sent.push(...marks);
        const length = buffer.write(marks.map((mark) => `${token(mark)}\n`).join(''));
        command({
          type: 'tokens',
          member,
          lines: { bytes: buffer.subarray(0, length), count: marks.length },
        });
        buffer.fill(0);
      },
      ping: () => {
        if (isOpen) command({ type: 'ping', member });
      },
      leave: end,
    };
    clients.push(client);
    command({ type: 'join', member });
    return client;
  };

  const kill = (relay: number) => {
    const running = relays.get(relay);
    if (running === undefined) return;
    relays.delete(relay);
    for (const client of clients) if (client.relay === relay) client.closeByRelay();
    running.ledger.crash();
    running.subscription.unsubscribe();
  };

  for (let relay = 0; relay < count; relay += 1) start(relay);
  return {
    join,
    kill,
    start,
    drain: (relay) => {
      relays.get(relay)?.command$.complete();
    },
    cut: (relay) => relays.get(relay)?.ledger.cut(),
    heal: (relay) => relays.get(relay)?.ledger.heal(),
    isRunning: (relay) => relays.has(relay),
    clients,
    events,
    errors,
    stop: () => {
      for (const { subscription } of relays.values()) subscription.unsubscribe();
    },
  };
};

/** What all readers must have read from the records of a room, by its rule. */
export interface ReadRoom {
  readonly log: string | undefined;
  /** Of this log, from position 1 on. */
  readonly lines: readonly string[];
  readonly roster: Roster<SharedMember>;
  readonly fault: string | undefined;
}

/** Reads all records of the room. */
export const readRoom = (engine: Pick<FakeEngine, 'records'>): ReadRoom => {
  const lines: string[] = [];
  let roster = new Roster<SharedMember>();
  let chain: Chain = EMPTY_CHAIN;
  for (const record of engine.records(LOBBY)) {
    const step = readRecord(chain, record);
    if (step.type === 'fault') return { log: chain.log, lines, roster, fault: step.fault };
    chain = step.chain;
    if (step.type === 'void') continue;
    const { batch } = step;
    if (batch.first === 1) lines.length = 0;
    if (batch.snapshot !== undefined) roster = new Roster(batch.snapshot);
    for (const change of batch.changes) roster.apply(change);
    lines.push(...decodeTextLossy(batch.lines.bytes).split('\n').slice(0, -1));
  }
  return { log: chain.log, lines, roster, fault: undefined };
};

/** Whether a record is a batch with such a line. */
export const hasLine = (bytes: Uint8Array, line: string): boolean => {
  const batch = parseBatch(bytes);
  return isBatch(batch) && Buffer.from(batch.lines.bytes).includes(Buffer.from(encodeText(`${line}\n`)));
};

import fc from 'fast-check';

/** What a relay sends after `WELCOME`. */
export type Delivery =
  | { readonly type: 'entry'; readonly position: number; readonly line: string }
  | { readonly type: 'gap'; readonly from: number; readonly to: number }
  | { readonly type: 'pong' };

/** Where a joining client starts to read, and where the log ends. */
export interface Welcome {
  readonly log: string;
  readonly from: number;
  readonly next: number;
}

/** A client of `lossyRelay`: the methods that the relay calls. The client sends with `write`. */
export interface LossyClient {
  /** The position after which it wants to read, or `undefined` for new entries only. */
  readonly after: { readonly log: string; readonly n: number } | undefined;
  onWelcome(started: Welcome): void;
  receive(sent: Delivery): void;
  send(name: string): void;
  onHeartbeat(): void;
  onClose(): void;
}

/** An action of the client or its relay. `n` is its amount, if it has one. */
export interface Action {
  readonly do:
    /** The client sends a message; its heartbeat asks for a PING. */
    | 'send'
    | 'tick'
    /** Another client sends a message, or repeats the same token from `n` messages ago. */
    | 'other'
    | 'repeat'
    /** `n` lines in transit arrive at the relay; the client reads `n` items. */
    | 'take'
    | 'read'
    /** The window moves past the client: its next `n` entries are a gap. */
    | 'pass'
    /** The connection opens; it breaks after `n` lines in transit have arrived. */
    | 'join'
    | 'cut'
    /** A token in transit is lost without a notice, which a relay must not do. */
    | 'drop'
    /** The relay loses the last `n` entries of its log; or it loses the log and starts a new one. */
    | 'lose'
    | 'wipe';
  readonly n: number;
}

const few = fc.integer({ min: 1, max: 4 });

const WEIGHTS: Readonly<Record<Action['do'], number>> = {
  send: 5,
  take: 4,
  read: 3,
  pass: 3,
  join: 3,
  tick: 2,
  cut: 1,
  other: 1,
  repeat: 1,
  drop: 1,
  lose: 1,
  wipe: 1,
};

const actionOf = (name: Action['do']): fc.Arbitrary<Action> => fc.record({ do: fc.constant(name), n: few });

/** Generates actions, except those in `but`. */
export const actions = ({ but = [] }: { but?: readonly Action['do'][] } = {}): fc.Arbitrary<Action[]> => {
  const names = (Object.keys(WEIGHTS) as Action['do'][]).filter((name) => !but.includes(name));
  return fc.array(fc.oneof(...names.map((name) => ({ weight: WEIGHTS[name], arbitrary: actionOf(name) }))), {
    maxLength: 60,
    size: 'max',
  });
};

/** What an earlier run of the client sent, and how much of that is in the log. */
export interface PreviousRun {
  readonly sent: number;
  readonly stored: number;
}

export const previousRun: fc.Arbitrary<PreviousRun> = fc
  .tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 }))
  .map(([sent, stored]) => ({ sent, stored: Math.min(sent, stored) }));

/** The state of a lossy relay, and the actions on it. */
export interface LossyRelay {
  /** The messages that were sent, in order. */
  readonly sent: readonly string[];
  readonly stored: ReadonlySet<string>;
  readonly hidden: ReadonlySet<string>;
  /** Messages that the log lost before the client had read them. */
  readonly lost: ReadonlySet<string>;
  /** Violations of the protocol by the client. */
  readonly violations: readonly string[];
  readonly log: readonly string[];
  readonly perform: (action: Action) => void;
  /** Connects, and delivers everything that is in transit. */
  readonly settle: () => void;
}

/**
 * Simulates one client and a relay as a reference. The relay appends the lines of a connection in order, and no lines
 * of a connection that has ended. It delivers the log in order, with gaps. `PONG` says that it has appended all lines
 * before the `PING`.
 */
export const lossyRelay = (
  makeClient: (write: (line: string) => void, restored: readonly string[]) => LossyClient,
  { sent: sentBefore, stored: storedBefore }: PreviousRun = { sent: 0, stored: 0 },
): LossyRelay => {
  let id = 0;
  let log: string[] = [];
  let under: string[] = [];
  let cursor: { position: number; next: number } | undefined;
  let pongs = 0;
  let requested = 0;
  let count = 0;
  /** Everything that was ever in a log. */
  const stored = new Set<string>();
  const sentLines = Array.from({ length: sentBefore }, () => `own ${(count += 1)}`);
  /** The sent messages, and those of them that a gap may have hidden. */
  const sent = new Set(sentLines);
  const hidden = new Set<string>();
  const vanished = new Set<string>();
  const faults: string[] = [];

  const client = makeClient(
    (line) => {
      if (cursor === undefined) faults.push(`${line} is written to nobody`);
      else if (line === 'PING') {
        requested += 1;
        if (requested > 1) faults.push('a PING before the answer to the last one');
      } else if (cursor.position < cursor.next) faults.push(`${line} is sent before all is read`);
      else sent.add(line);
      under.push(line);
    },
    [...sentLines],
  );

  const append = (line: string) => {
    log.push(line);
    stored.add(line);
  };
  const take = (n: number) => {
    for (const line of under.splice(0, n)) {
      if (line === 'PING') pongs += 1;
      else append(line);
    }
  };
  const read = (): boolean => {
    if (cursor === undefined) return false;
    if (pongs > 0) {
      pongs -= 1;
      requested -= 1;
      client.receive({ type: 'pong' });
      return true;
    }
    const line = log[cursor.position - 1];
    if (line === undefined) return false;
    cursor.position += 1;
    client.receive({ type: 'entry', position: cursor.position - 1, line });
    return true;
  };
  const pass = (n: number) => {
    if (cursor === undefined) return;
    const from = cursor.position;
    const to = Math.min(log.length, from + n - 1);
    if (to < from) return;
    cursor.position = to + 1;
    for (const line of sent) hidden.add(line);
    client.receive({ type: 'gap', from, to });
  };
  const cut = (arriving: number) => {
    if (cursor === undefined) return;
    take(arriving);
    cursor = undefined;
    under = [];
    pongs = 0;
    requested = 0;
    client.onClose();
  };
  const join = () => {
    if (cursor !== undefined) return;
    const { after } = client;
    const next = log.length + 1;
    const known = after !== undefined && after.log === `log${id}` ? Math.min(after.n + 1, next) : 1;
    const from = after === undefined ? next : known;
    cursor = { position: from, next };
    client.onWelcome({ log: `log${id}`, from, next });
  };

  const act = (each: Action) => {
    switch (each.do) {
      case 'send':
        sentLines.push(`own ${(count += 1)}`);
        client.send(`own ${count}`);
        return;
      case 'tick':
        if (cursor !== undefined) client.onHeartbeat();
        return;
      case 'other':
        append(`other ${(count += 1)}`);
        return;
      case 'repeat':
        // An honest sender sends at most twice over one connection.
        log
          .filter((line) => line.startsWith('other') && log.indexOf(line) === log.lastIndexOf(line))
          .slice(-each.n)
          .slice(0, 1)
          .forEach(append);
        return;
      case 'take':
        take(each.n);
        return;
      case 'read':
        for (let n = 0; n < each.n; n += 1) read();
        return;
      case 'pass':
        pass(each.n);
        return;
      case 'drop':
        if (under[0] !== 'PING') under.shift();
        return;
      case 'cut':
        cut(each.n);
        return;
      case 'join':
        join();
        return;
      case 'lose': {
        cut(0);
        const { after } = client;
        const read = after?.log === `log${id}` ? after.n : 0;
        const retained = log.length - each.n;
        for (const line of log.slice(Math.max(retained, read, 0))) vanished.add(line);
        log.splice(-each.n);
        return;
      }
      case 'wipe':
        cut(0);
        id += 1;
        log = [];
    }
  };

  sentLines.slice(0, storedBefore).forEach(append);

  return {
    sent: sentLines,
    stored,
    hidden,
    lost: vanished,
    violations: faults,
    get log() {
      return log;
    },
    perform: act,
    settle: () => {
      join();
      do take(Infinity);
      while (read());
    },
  };
};

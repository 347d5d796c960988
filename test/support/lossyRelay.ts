import fc from 'fast-check';

/** What a relay sends after `WELCOME`. */
export type Sent =
  | { readonly type: 'entry'; readonly position: number; readonly line: string }
  | { readonly type: 'gap'; readonly from: number; readonly to: number }
  | { readonly type: 'pong' };

/** Where a client that came in begins to read, and how far the log goes. */
export interface Begun {
  readonly log: string;
  readonly from: number;
  readonly next: number;
}

/** A client of `lossyRelay`: what it is told. What it does it does by `write`. */
export interface LossyClient {
  /** Where it wants to begin to read; `undefined`: with what comes. */
  readonly after: { readonly log: string; readonly n: number } | undefined;
  welcome(begun: Begun): void;
  hear(sent: Sent): void;
  say(name: string): void;
  beat(): void;
  hangUp(): void;
}

/** What happens to a client and its relay; `n` says how much, where there is something to say. */
export interface Deed {
  readonly do:
    /** The client says something; its heartbeat asks for a sign of life. */
    | 'say'
    | 'beat'
    /** Somebody else says something, or what others said so many times ago once more: the same token. */
    | 'other'
    | 'repeat'
    /** So many lines that are under way arrive at the relay; so many things are read from it. */
    | 'take'
    | 'read'
    /** The window passes the client: the next entries, so many, are a gap for it. */
    | 'pass'
    /** The connection is made; it breaks, and of what is under way so many lines still arrive. */
    | 'join'
    | 'cut'
    /** A token that is under way is lost, and nobody is told: what a relay must not do. */
    | 'drop'
    /** The relay loses the last entries of its log, so many; or all of it, and begins another. */
    | 'lose'
    | 'wipe';
  readonly n: number;
}

const few = fc.integer({ min: 1, max: 4 });

const WEIGHTS: Readonly<Record<Deed['do'], number>> = {
  say: 5,
  take: 4,
  read: 3,
  pass: 3,
  join: 3,
  beat: 2,
  cut: 1,
  other: 1,
  repeat: 1,
  drop: 1,
  lose: 1,
  wipe: 1,
};

const deed = (name: Deed['do']): fc.Arbitrary<Deed> => fc.record({ do: fc.constant(name), n: few });

/** What may happen, but for some. */
export const deeds = ({ but = [] }: { but?: readonly Deed['do'][] } = {}): fc.Arbitrary<Deed[]> => {
  const names = (Object.keys(WEIGHTS) as Deed['do'][]).filter((name) => !but.includes(name));
  return fc.array(fc.oneof(...names.map((name) => ({ weight: WEIGHTS[name], arbitrary: deed(name) }))), {
    maxLength: 60,
    size: 'max',
  });
};

/** What an earlier run of the client said, and how much of that is in the log. */
export interface Earlier {
  readonly said: number;
  readonly stored: number;
}

export const earlier: fc.Arbitrary<Earlier> = fc
  .tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 }))
  .map(([said, stored]) => ({ said, stored: Math.min(said, stored) }));

/** What a lossy relay has done, and what it is to do. */
export interface LossyRelay {
  /** What was said, in order. */
  readonly said: readonly string[];
  readonly stored: ReadonlySet<string>;
  readonly hidden: ReadonlySet<string>;
  /** What the log has lost before the client had read it. */
  readonly vanished: ReadonlySet<string>;
  /** What the client did that it must not. */
  readonly faults: readonly string[];
  readonly log: readonly string[];
  readonly act: (deed: Deed) => void;
  /** It is connected, and all that is under way arrives. */
  readonly settle: () => void;
}

/**
 * One client and a relay, as a reference: the relay appends the lines of a connection in order, nothing of one that is
 * over, and hands the log on in order, with gaps; `PONG` says that it has appended all before the `PING`.
 */
export const lossyRelay = (
  makeClient: (write: (line: string) => void, restored: readonly string[]) => LossyClient,
  { said: saidBefore, stored: storedBefore }: Earlier = { said: 0, stored: 0 },
): LossyRelay => {
  let id = 0;
  let log: string[] = [];
  let under: string[] = [];
  let cursor: { position: number; next: number } | undefined;
  let pongs = 0;
  let asked = 0;
  let count = 0;
  /** All that was ever in a log. */
  const stored = new Set<string>();
  const said = Array.from({ length: saidBefore }, () => `own ${(count += 1)}`);
  /** What was sent, and those of it that a gap may have hidden. */
  const sent = new Set(said);
  const hidden = new Set<string>();
  const vanished = new Set<string>();
  const faults: string[] = [];

  const client = makeClient(
    (line) => {
      if (cursor === undefined) faults.push(`${line} is written to nobody`);
      else if (line === 'PING') {
        asked += 1;
        if (asked > 1) faults.push('a PING before the answer to the last one');
      } else if (cursor.position < cursor.next) faults.push(`${line} is sent before all is read`);
      else sent.add(line);
      under.push(line);
    },
    [...said],
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
      asked -= 1;
      client.hear({ type: 'pong' });
      return true;
    }
    const line = log[cursor.position - 1];
    if (line === undefined) return false;
    cursor.position += 1;
    client.hear({ type: 'entry', position: cursor.position - 1, line });
    return true;
  };
  const pass = (n: number) => {
    if (cursor === undefined) return;
    const from = cursor.position;
    const to = Math.min(log.length, from + n - 1);
    if (to < from) return;
    cursor.position = to + 1;
    for (const line of sent) hidden.add(line);
    client.hear({ type: 'gap', from, to });
  };
  const cut = (arriving: number) => {
    if (cursor === undefined) return;
    take(arriving);
    cursor = undefined;
    under = [];
    pongs = 0;
    asked = 0;
    client.hangUp();
  };
  const join = () => {
    if (cursor !== undefined) return;
    const { after } = client;
    const next = log.length + 1;
    const known = after !== undefined && after.log === `log${id}` ? Math.min(after.n + 1, next) : 1;
    const from = after === undefined ? next : known;
    cursor = { position: from, next };
    client.welcome({ log: `log${id}`, from, next });
  };

  const act = (each: Deed) => {
    switch (each.do) {
      case 'say':
        said.push(`own ${(count += 1)}`);
        client.say(`own ${count}`);
        return;
      case 'beat':
        if (cursor !== undefined) client.beat();
        return;
      case 'other':
        append(`other ${(count += 1)}`);
        return;
      case 'repeat':
        // A third time over one connection would be more than an honest sender does.
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
        const kept = log.length - each.n;
        for (const line of log.slice(Math.max(kept, read, 0))) vanished.add(line);
        log.splice(-each.n);
        return;
      }
      case 'wipe':
        cut(0);
        id += 1;
        log = [];
    }
  };

  said.slice(0, storedBefore).forEach(append);

  return {
    said,
    stored,
    hidden,
    vanished,
    faults,
    get log() {
      return log;
    },
    act,
    settle: () => {
      join();
      do take(Infinity);
      while (read());
    },
  };
};

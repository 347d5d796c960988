import { type Child, rxchat } from '../child.js';
import { newRoom, type Room, through } from '../relay.js';
import { type Account, accountOf } from './account.js';
import { type FaultProxy, startFaultProxy } from './faultProxy.js';
import { lastingRelay, type LastingRelay } from './lastingRelay.js';
import { hearingOf, listenTo, rawEntries, readBack, repeatedTokens, sayTheEnd } from './readBack.js';

/** A command that runs in a room, and its way there. */
export interface Client {
  readonly nick: string;
  readonly child: Child;
  readonly way: FaultProxy;
}

/** Where a fault takes place. */
export interface Stage {
  readonly relay: LastingRelay;
  /** The room at the relay itself, past all proxies. */
  readonly room: Room;
  readonly ways: readonly FaultProxy[];
  readonly senders: readonly Client[];
  readonly listeners: readonly Client[];
  /** Resolves once every listener has heard so many lines. */
  readonly heard: (lines: number) => Promise<unknown>;
}

/** What is to happen while people talk. */
export interface Plan {
  readonly relayFlags?: readonly string[];
  readonly clientFlags?: readonly string[];
  /** How many lines each sender says at least, as fast as it can; more come, slowly, until the fault is over. */
  readonly lines?: number;
  /** What every way is like before anybody takes it. */
  readonly weather?: (way: FaultProxy) => void;
  /** What goes wrong while lines are said, and how it ends. */
  readonly fault?: (stage: Stage) => Promise<unknown>;
  /** Looks at what has happened besides, with all entries of the log: throws where that is wrong. */
  readonly look?: (stage: Stage, entries: readonly string[]) => void;
}

const SENDERS = ['s1', 's2'] as const;
/** The second one begins where the log stood when it came, which is before anything was said. */
const LISTENERS = { ear1: ['--after', '0'], ear2: [] } as const;

/** How often a sender says something, in ms: at first and then; and how many lines at most. */
const EVERY = 5;
const LATER_EVERY = 50;
const AT_ONCE = 5;

/**
 * Real commands around a real relay, each through a proxy of its own: two listen, two send many lines without waiting for
 * their receipts, something goes wrong meanwhile; and at the end everything is accounted for. A sender that does not end
 * with 0 is an error.
 */
export const traffic = async ({
  relayFlags = [],
  clientFlags = [],
  lines = 600,
  weather = () => undefined,
  fault = () => Promise.resolve(),
  look = () => undefined,
}: Plan): Promise<Account> => {
  const relay = await lastingRelay(...relayFlags);
  const room = newRoom(relay.port);

  const enter = async (nick: string, run: (room: Room) => Child): Promise<Client> => {
    const way = await startFaultProxy(relay.port);
    weather(way);
    return { nick, way, child: run(through(way.port, room)) };
  };
  const listeners = await Promise.all(
    Object.entries(LISTENERS).map(([nick, flags]) =>
      enter(nick, (by) => listenTo(by, nick, ...flags, ...clientFlags)),
    ),
  );
  const senders = await Promise.all(
    SENDERS.map((nick) => enter(nick, ({ text }) => rxchat(['send', text, '--nick', nick, ...clientFlags]))),
  );
  await Promise.all([...listeners, ...senders].map(({ nick }) => relay.joined(nick)));
  const stage: Stage = {
    relay,
    room,
    listeners,
    senders,
    ways: [...listeners, ...senders].map(({ way }) => way),
    heard: (n) =>
      Promise.all(listeners.map(({ child }) => child.out.until(({ lines }) => lines.length >= n))),
  };

  const over = new AbortController();
  const said = senders.map(({ nick, child }) => talk(child, nick, lines, over.signal));
  await fault(stage).finally(() => over.abort());
  const sent = (await Promise.all(said)).flat();
  for (const { nick, child } of senders) {
    child.endInput();
    const code = await child.exit;
    if (code !== 0) throw new Error(`${nick} ended with ${code}:\n${child.err.text}`);
  }

  await sayTheEnd(room);
  const hearings = await Promise.all(listeners.map(({ child }) => hearingOf(child)));
  const log = await readBack(room);
  const entries = await rawEntries(room);
  look(stage, entries);
  return accountOf({
    sent,
    // They ended with 0.
    receipted: sent,
    log,
    repeatedTokens: repeatedTokens(entries),
    listeners: hearings,
  });
};

/** Says numbered lines, some at once and some alone, at least so many and until it is over; gives them then. */
const talk = (child: Child, nick: string, lines: number, over: AbortSignal): Promise<string[]> =>
  new Promise((resolve) => {
    const said: string[] = [];
    const say = () => {
      const count = 1 + (said.length % AT_ONCE);
      const next = Array.from({ length: count }, (_, k) => `${nick} ${said.length + k + 1}`);
      said.push(...next);
      child.feed(next.map((each) => `${each}\n`).join(''));
      if (said.length < lines) setTimeout(say, EVERY);
      else if (!over.aborted) setTimeout(say, LATER_EVERY);
      else resolve(said);
    };
    say();
  });

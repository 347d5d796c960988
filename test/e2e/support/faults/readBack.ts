import { type Child, run, rxchat } from '../child.js';
import { joinPeer } from '../peer.js';
import type { Room } from '../relay.js';
import type { Hearing, Hole, Line } from './account.js';

/** What is said when all else was, so that who hears it has heard everything. */
export const THE_END = 'the end';

/** Says that this was all; resolves once that is stored. */
export const sayTheEnd = async ({ text }: Room): Promise<void> => {
  const { code, err } = await run(['send', text, '-m', THE_END, '--nick', 'end']);
  if (code !== 0) throw new Error(`the end could not be said: ${code}\n${err}`);
};

/** Begins to listen. */
export const listenTo = ({ text }: Room, nick: string, ...flags: readonly string[]): Child =>
  rxchat(['listen', text, '--json', '--nick', nick, ...flags]);

/** Begins to listen, from the first entry on. */
export const listenFromTheStart = (room: Room, nick: string): Child => listenTo(room, nick, '--after', '0');

/** All that a listener printed up to the end. */
export const hearingOf = async ({ out }: Child): Promise<Hearing> => {
  await out.until(({ lines }) => lines.at(-1)?.includes(`"text":"${THE_END}"`));
  return hearing(out.lines);
};

/** What lines of `listen --json` say, without the end. */
export const hearing = (printed: readonly string[]): Hearing => {
  const lines: Line[] = [];
  const holes: Hole[] = [];
  for (const each of printed) {
    const value = JSON.parse(each) as { readonly type: string } & Line & Hole;
    if (value.type === 'message' && value.text !== THE_END) lines.push(value);
    else if (value.type === 'gap') holes.push(value);
    else if (value.type === 'undecryptable') throw new Error(`an entry does not open: ${each}`);
  }
  return { lines, holes };
};

/** The log of a room as somebody reads it who comes afterwards, directly from the relay. */
export const readBack = async (room: Room, nick = 'after'): Promise<Hearing> => {
  const listener = listenFromTheStart(room, nick);
  const heard = await hearingOf(listener);
  listener.signal('SIGTERM');
  await listener.exit;
  return heard;
};

/** The entries of a room's log as they stand there: tokens and announcements. */
export const rawEntries = async (room: Room, nick = 'raw'): Promise<readonly string[]> => {
  const { heard, socket } = await joinPeer(room, nick, { after: { log: '*', n: 0 } });
  const [, next] = /^WELCOME .*\bnext=(\d+)/m.exec(heard.text) ?? [];
  const entries = () => heard.lines.filter((each) => /^[g+-]/.test(each));
  await heard.until(() => entries().length >= Number(next) - 1);
  socket.destroy();
  return entries().slice(0, Number(next) - 1);
};

/** How many entries are a token that stands before them. */
export const repeatedTokens = (entries: readonly string[]): number => {
  const tokens = entries.filter((each) => each.startsWith('g'));
  return tokens.length - new Set(tokens).size;
};

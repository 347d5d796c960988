import { type Child, run, rxchat } from '../child.js';
import { joinRaw } from '../rawClient.js';
import type { Room } from '../relay.js';
import type { ListenerOutput, GapRange, ReceivedLine } from './deliveryReport.js';

/** The last message of a run: a listener that receives it has received all lines. */
export const END_MARKER = 'the end';

/** Sends the end marker, and resolves once it is stored. */
export const sendEndMarker = async ({ text }: Room): Promise<void> => {
  const { code, err } = await run(['send', text, '-m', END_MARKER, '--nick', 'end']);
  if (code !== 0) throw new Error(`the end could not be said: ${code}\n${err}`);
};

/** Starts a listener. */
export const listenTo = ({ text }: Room, nick: string, ...flags: readonly string[]): Child =>
  rxchat(['listen', text, '--json', '--nick', nick, ...flags]);

/** Starts a listener that reads from the first entry on. */
export const listenFromStart = (room: Room, nick: string): Child => listenTo(room, nick, '--after', '0');

/** Resolves with the output of a listener up to the end marker. */
export const outputUntilEnd = async ({ out }: Child): Promise<ListenerOutput> => {
  await out.until(({ lines }) => lines.at(-1)?.includes(`"text":"${END_MARKER}"`));
  return parseListenOutput(out.lines);
};

/** Parses the lines of `listen --json`, without the end marker. */
export const parseListenOutput = (printed: readonly string[]): ListenerOutput => {
  const lines: ReceivedLine[] = [];
  const holes: GapRange[] = [];
  for (const each of printed) {
    const value = JSON.parse(each) as { readonly type: string } & ReceivedLine & GapRange;
    if (value.type === 'message' && value.text !== END_MARKER) lines.push(value);
    else if (value.type === 'gap') holes.push(value);
    else if (value.type === 'undecryptable') throw new Error(`an entry does not open: ${each}`);
  }
  return { lines, gaps: holes };
};

/** Reads the log of a room as a newcomer does, directly from the relay. */
export const readBack = async (room: Room, nick = 'after'): Promise<ListenerOutput> => {
  const listener = listenFromStart(room, nick);
  const received = await outputUntilEnd(listener);
  listener.signal('SIGTERM');
  await listener.exit;
  return received;
};

/** Returns the raw entries of a room's log: tokens and announcements. */
export const rawEntries = async (room: Room, nick = 'raw'): Promise<readonly string[]> => {
  const { output, socket } = await joinRaw(room, nick, { after: { log: '*', n: 0 } });
  const [, next] = /^WELCOME .*\bnext=(\d+)/m.exec(output.text) ?? [];
  const entries = () => output.lines.filter((each) => /^[g+-]/.test(each));
  await output.until(() => entries().length >= Number(next) - 1);
  socket.destroy();
  return entries().slice(0, Number(next) - 1);
};

/** Counts the entries that repeat an earlier token. */
export const repeatedTokens = (entries: readonly string[]): number => {
  const tokens = entries.filter((each) => each.startsWith('g'));
  return tokens.length - new Set(tokens).size;
};

import {
  concat,
  defer,
  delay,
  filter,
  from,
  map,
  type Observable,
  of,
  share,
  switchMap,
  takeUntil,
  takeWhile,
  tap,
  ignoreElements,
} from 'rxjs';
import { type Heard, type Say } from '../../../streams/index.js';
import { createInvite, formatInvite } from '../../invite.js';
import { room } from '../../room.js';
import { terminalScreen } from '../../terminal/screen.js';
import { needPlain, readAddress } from '../address.js';
import { chatFormat } from '../chatFormat.js';
import { readChatLine } from '../chatLine.js';
import { readInvite, readNick, readRoomOptions } from '../client.js';
import type { Run } from '../commandTable.js';
import { CliError, Exit, note } from '../exit.js';
import { oneWriteATurn } from '../output.js';
import { interruption$, outputClosed$, standardInput } from '../process.js';
import { receipts } from '../receipts.js';
import { pipedLines } from '../source.js';

/** How long, in ms, who leaves waits for the receipts of what was just said. */
const LEAVING = 1000;

/** Where lines come from and where the conversation is shown: a terminal, or plain pipes. */
interface Desk {
  readonly say$: Observable<Say>;
  readonly pace: (pendingBytes: number) => void;
  readonly print: (text: string) => void;
}

/** `rxchat join`: the interactive client; in pipes a plain one. */
export const join: Run = (args) =>
  defer(() => {
    const { flags } = args;
    const invite = readInvite(args) ?? createInvite(readAddress(flags));
    needPlain(invite, flags);
    const nick = readNick(flags, { unique: false });
    if (readInvite(args) === undefined)
      note(`a new room; to let others in, give them this invite: ${formatInvite(invite)}`);

    const members = new Set<string>();
    const interactive = process.stdin.isTTY && process.stdout.isTTY && process.env['TERM'] !== 'dumb';
    const desk = interactive ? terminalDesk(nick, () => [...members]) : plainDesk();
    const account = receipts();
    let unread = false;

    const heard$ = from(readRoomOptions(flags, nick)).pipe(
      switchMap((options) => desk.say$.pipe(room(invite, options))),
      tap((heard) => {
        account.take(heard);
        desk.pace(account.pendingBytes);
        attend(members, heard);
      }),
      share(),
    );
    const leaving$ = heard$.pipe(
      filter(({ type }) => interactive && type === 'said-all'),
      delay(LEAVING),
    );

    return concat(
      heard$.pipe(
        takeWhile(() => !account.done, true),
        takeUntil(leaving$),
        map(chatFormat(nick)),
        filter((line) => line !== undefined),
        oneWriteATurn(),
        tap((text) => {
          desk.print(text.slice(0, -1));
        }),
        ignoreElements(),
        takeUntil(outputClosed$.pipe(tap(() => (unread = true)))),
        takeUntil(interruption$),
      ),
      defer(() => {
        for (const text of account.pending) note(`not known to be stored: ${text}`);
        if (!account.saidAll && !unread) throw new CliError(Exit.network, 'the relay is shutting down');
        return of(account.pending.length === 0 ? Exit.ok : Exit.network);
      }),
    );
  });

/** Who is here, as far as announcements tell. */
const attend = (members: Set<string>, heard: Heard): void => {
  if (heard.type === 'welcome') heard.members?.forEach((nick) => members.add(nick));
  if (heard.type === 'joined') heard.nicks.forEach((nick) => members.add(nick));
  if (heard.type === 'left') heard.nicks.forEach((nick) => members.delete(nick));
};

const terminalDesk = (nick: string, members: () => readonly string[]): Desk => {
  let print = (text: string) => {
    process.stdout.write(`${text}\n`);
  };
  return {
    print: (text) => {
      print(text);
    },
    // A person is slow enough.
    pace: () => undefined,
    say$: terminalScreen(`${nick}> `).pipe(
      tap((screen) => {
        print = screen.print;
      }),
      switchMap(({ line$ }) => line$),
      map((line) => readChatLine(line, members)),
      takeWhile((line) => line?.type !== 'quit'),
      tap((line) => {
        if (line?.type === 'show') print(line.text);
      }),
      filter((line) => line?.type === 'say'),
      map(({ text }) => ({ lines: [text] })),
    ),
  };
};

const plainDesk = (): Desk => ({
  ...pipedLines(standardInput()),
  print: (text) => {
    process.stdout.write(`${text}\n`);
  },
});

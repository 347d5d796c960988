import {
  concat,
  connect,
  defer,
  delay,
  EMPTY,
  filter,
  finalize,
  from,
  map,
  merge,
  type Observable,
  of,
  share,
  switchMap,
  takeUntil,
  takeWhile,
  tap,
  ignoreElements,
} from 'rxjs';
import type { Say } from '../../../streams/index.js';
import { createInvite, type Invite } from '../../invite/invite.js';
import { formatInvite } from '../../invite/text.js';
import { room } from '../../room.js';
import { type Kept, type Screen, terminalScreen } from '../../terminal/screen.js';
import { shown, type Visible } from '../../terminal/visible.js';
import { writeOut } from '../../terminal/write.js';
import { readAddress } from '../address.js';
import { chatFormat } from '../chatFormat.js';
import { type ChatRoom, chatCompletion, literal, readChatLine } from '../chatLine.js';
import { readInvite, readNick, readRoomOptions } from '../client.js';
import type { Run } from '../commandTable.js';
import { company } from '../company.js';
import { Exit, note } from '../exit.js';
import { type Flags, span } from '../flags.js';
import { inputHistoryDir, openInputHistory } from '../inputHistory.js';
import { giveUp, tellState } from '../offline.js';
import { keeping, openSpool, spoolDir } from '../spool.js';
import { tellPending } from '../tellPending.js';
import { oneWriteATurn } from '../output.js';
import { interruption$, outputClosed$, standardInput } from '../process.js';
import { receipts } from '../receipts.js';
import { openPeople } from '../people.js';
import { readLink, readPin } from '../relayLink.js';
import { deriveRoomKeys } from '../../crypto/roomKeys.js';
import { pipedLines } from '../source.js';

/** How long, in ms, what came through a pipe may wait without any receipt. */
const TIMEOUT = 30_000;
const LONGEST_TIMEOUT = 86_400_000;

/** How long, in ms, who leaves waits for the receipts of what was just said. */
const LEAVING = 1000;

/** Where lines come from and where the conversation is shown: a terminal, or plain pipes. */
interface Desk {
  readonly say$: Observable<Say>;
  readonly pace: (pendingBytes: number) => void;
  readonly print: (text: Visible) => void;
}

/** `rxchat join`: the interactive client; in pipes a plain one. */
export const join: Run = (args) => readInvite(args).pipe(switchMap((invite) => joinRoom(invite, args.flags)));

const joinRoom = (given: Invite | undefined, flags: Flags): Observable<number> =>
  defer(() => {
    const invite = given ?? createInvite({ ...readAddress(flags), pin: readPin(flags) });
    const link = readLink(invite, flags);
    const keys = deriveRoomKeys(invite.secret);
    const people = openPeople(keys.room, flags);
    const nick = readNick(flags, { unique: false });
    if (given === undefined)
      note(`a new room; to let others in, give them this invite: ${formatInvite(invite)}`);

    const around = company();
    const interactive = process.stdin.isTTY && process.stdout.isTTY && process.env['TERM'] !== 'dumb';
    const desk = interactive
      ? terminalDesk(
          nick,
          { members: () => [...around.members], verify: people.verify },
          flags['history'] === false ? undefined : openInputHistory(inputHistoryDir(), keys, note),
        )
      : plainDesk();
    const timeout = interactive ? 0 : (span(flags, 'timeout', 0, LONGEST_TIMEOUT) ?? TIMEOUT);
    const account = receipts();
    const spool = openSpool(spoolDir(), invite, nick, people.identity);
    let unread = false;

    const heard$ = from(readRoomOptions(flags, nick)).pipe(
      switchMap((options) =>
        desk.say$.pipe(
          room(invite, {
            ...options,
            ...people,
            connect: link,
            restored: spool,
            ...(spool.after !== undefined && { after: spool.after }),
          }),
        ),
      ),
      people.keep(),
      keeping(spool),
      tap((heard) => {
        account.take(heard);
        desk.pace(account.pendingBytes);
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
        connect((shared$) =>
          merge(
            shared$.pipe(around.news(), map(chatFormat(nick, people.isVerified))),
            shared$.pipe(
              tellState(invite),
              map((text) => shown`-- ${text}`),
            ),
            interactive ? shared$.pipe(tellPending(nick)) : EMPTY,
          ).pipe(takeUntil(shared$.pipe(giveUp(account, timeout)))),
        ),
        takeUntil(leaving$),
        filter((line) => line !== undefined),
        oneWriteATurn(),
        tap((text) => {
          desk.print(text);
        }),
        ignoreElements(),
        takeUntil(outputClosed$.pipe(tap(() => (unread = true)))),
        takeUntil(interruption$),
      ),
      defer(() => of(account.pending.length === 0 ? Exit.ok : Exit.network)),
    ).pipe(
      finalize(() => {
        const { length } = account.pending;
        if (length > 0 && !unread)
          note(`lines not stored yet: ${length}; they are kept and go out when you join again`);
      }),
    );
  });

const terminalDesk = (nick: string, room: ChatRoom, history: Kept | undefined): Desk => {
  let print = writeOut;
  let edit: Screen['edit'] = () => undefined;
  return {
    print: (text) => {
      print(text);
    },
    // A person is slow enough.
    pace: () => undefined,
    say$: terminalScreen({
      foot: { above: [], prompt: shown`${nick}> ` },
      complete: chatCompletion(room.members),
      literal,
      ...(history !== undefined && { history }),
    }).pipe(
      tap((screen) => {
        ({ print, edit } = screen);
      }),
      switchMap(({ line$ }) => line$),
      map((line) => readChatLine(line, room)),
      takeWhile((line) => line?.type !== 'quit'),
      tap((line) => {
        if (line?.type === 'show') print(line.text);
        if (line?.type === 'edit') edit(line.text);
      }),
      filter((line) => line?.type === 'say'),
      map(({ text }) => ({ lines: [text] })),
    ),
  };
};

const plainDesk = (): Desk => ({
  ...pipedLines(standardInput()),
  print: writeOut,
});

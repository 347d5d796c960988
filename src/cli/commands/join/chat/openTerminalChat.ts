import { type Observable, connect, ignoreElements, merge, tap } from 'rxjs';
import { uptime } from 'node:os';
import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type {
  ClientEvent,
  GroupRequest,
  OutgoingMessage,
  Plaintext,
  Token,
} from '../../../../../streams/client/index.js';
import type { JoinRoomOptions } from '../../../../platform/createJoinRoom.js';
import type { Resume } from '../../../../../streams/wire/index.js';
import type { Invite } from '../../../../invite/invite.js';
import { formatInvite } from '../../../../invite/inviteText.js';
import { colourCount } from '../../../../terminal/style.js';
import { safe, sanitize } from '../../../../text/sanitize.js';
import { programName, roomFileName, stateDir } from '../../../process/environment.js';
import { BELL_MODES, NOTIFY_MODES } from '../../../args/choices.js';
import { printNote } from '../../../process/exit.js';
import { deriveRoomKeys } from '../../../../crypto/nodeKeys.js';
import type { MemberTracker } from '../../../shared/memberTracker.js';
import { choiceFlag, type Flags } from '../../../args/flags.js';
import { describeNewRoom } from '../../../shared/connectionNotices.js';
import type { Contacts } from '../../../shared/contacts.js';
import type { GroupRoster } from '../../../../text/groupRoster.js';
import { chatContext } from './chatContext.js';
import { verbatim, info, type Line } from './line.js';
import { terminalChat } from './terminalChat.js';
import { chatModel } from './chatModel.js';
import { makeDirectory, writeFileAtomic } from '../../../../files/writeFile.js';
import { readRegularFile } from '../../../../files/readFile.js';
import { nodeCipher } from '../../../../crypto/nodeCipher.js';
import type { RoomKeys } from '../../../../crypto/roomKeys.js';
import type { InputHistory } from '../../../../terminal/screen.js';
import { describeSystemError } from '../../../../util/errors.js';

/** The input and output of a conversation: a terminal or plain pipes. */
export interface ConversationIo extends Pick<JoinRoomOptions, 'nick$' | 'retry$'> {
  /** Emits what the user asks of the group of the room. */
  readonly request$?: Observable<GroupRequest>;
  readonly message$: Observable<OutgoingMessage>;
  readonly applyBackpressure: (pendingBytes: number) => void;
  /** Shows a conversation; never emits. */
  readonly render: (event$: Observable<ClientEvent>) => Observable<never>;
}

interface OpenTerminalChatOptions {
  /** Returns the invite that admits others now. */
  readonly invite: () => Invite;
  /** Who is in the group of the room, or `undefined` in a key room. */
  readonly roster: GroupRoster | undefined;
  /** Whether this run has created the room. */
  readonly isNew: boolean;
  readonly nick: string;
  readonly contacts: Contacts;
  readonly members: MemberTracker;
  readonly flags: Flags;
  readonly readUpTo: Resume | undefined;
}

/** Creates a conversation in a terminal, from the flags. */
export const openTerminalChat = ({
  invite,
  roster,
  isNew,
  nick,
  contacts,
  members,
  flags,
  readUpTo,
}: OpenTerminalChatOptions): ConversationIo => {
  const utc = flags['utc'] === true;
  const colours = colourCount(process.stdout, process.env, flags['color'] !== false);
  const first = invite();
  const text = () => formatInvite(invite());
  const keys = deriveRoomKeys(first.secret);
  const model = chatModel({
    nick,
    isVerified: contacts.isVerified,
    isIgnored: contacts.isIgnored,
    isOwnKey: (key) => key === contacts.identity.key,
    dedupePresence: members.update,
    roster,
    readUpTo,
    quiet: flags['quiet'] === true,
    utc,
    now: Date.now,
    // `uptime` also counts the time that the machine was asleep.
    elapsedMs: () => uptime() * 1000,
  });
  const chat = terminalChat({
    model,
    context: chatContext({
      model,
      contacts,
      members: () => [...members.members],
      invite: () => sanitize(text()),
      roster,
      utc,
    }),
    members,
    colours,
    utc,
    bellMode: choiceFlag(flags, 'bell', BELL_MODES),
    notifyMode: choiceFlag(flags, 'notify', NOTIFY_MODES),
    invite: text,
    history: flags['history'] === false ? undefined : openInputHistory(inputHistoryDir(), keys, printNote),
    greeting: isNew ? newRoomLines(text(), roster !== undefined) : [],
    showsQr: flags['qr'] === true,
  });
  return {
    ...chat,
    // A person types too slowly to need backpressure.
    applyBackpressure: () => undefined,
    render: connect((event$) =>
      merge(
        event$.pipe(chat.render),
        event$.pipe(
          describeNewRoom(first),
          tap((notice) => {
            chat.print([info(safe`${notice}`)]);
          }),
          ignoreElements(),
        ),
      ),
    ),
  };
};

/** Returns the lines that explain a new room to its creator. */
const newRoomLines = (invite: string, isGroup: boolean): readonly Line[] => [
  info(
    isGroup
      ? safe`new group room: its keys change with its members, and newcomers cannot read the past`
      : safe`new room`,
  ),
  info(safe`this invite admits anyone who has it:`),
  verbatim(sanitize(invite)),
  info(safe`1. share it; others run: ${programName()} join INVITE (/invite qr shows a QR code)`),
  info(safe`2. type a message and press Enter; /help shows the commands`),
  info(safe`3. /quit leaves; rejoin with the same invite`),
];

/** Maximum number of entries per room, and maximum length in UTF-16 code units. */
const MAX_ENTRIES = 1000;
const MAX_ENTRY_LENGTH = 16_384;

/** Returns the directory of the input history of all rooms. */
const inputHistoryDir = (): string => join(stateDir(), 'input');

/**
 * Opens the input history of a room, with the entries of earlier runs.
 * The file has mode 0600 and an entry per line. Each entry is encrypted with the key of the room, so that it is useless
 * without the invite.
 * Keeps the newest 1000 entries, and none that begin with a space. Calls `onError` once if the file cannot be written.
 */
const openInputHistory = (
  dir: string,
  { room, fernetKey }: RoomKeys,
  onError: (reason: string) => void,
): InputHistory => {
  const file = join(dir, roomFileName(room));
  const cipher = nodeCipher();
  const open = (token: string): readonly string[] => {
    const opened = cipher.open(fernetKey, token as Token);
    return typeof opened === 'string' ? [] : [Buffer.from(opened).toString()];
  };
  // The time is 0, because the file need not reveal when the entry was typed.
  const seal = (entry: string) => cipher.seal(fernetKey, Buffer.from(entry) as Uint8Array as Plaintext, 0);

  let hasFailed = false;
  const attempt = (write: () => void) => {
    try {
      write();
    } catch (error) {
      if (!hasFailed) onError(`cannot save the input history in ${file}: ${describeSystemError(error)}`);
      hasFailed = true;
    }
  };

  const tokens = loadLines(file);
  const newestTokens = tokens.slice(-MAX_ENTRIES);
  if (tokens.length > 2 * MAX_ENTRIES)
    attempt(() => {
      writeFileAtomic(file, newestTokens.map((token) => `${token}\n`).join(''));
    });

  return {
    entries: newestTokens.flatMap(open),
    add: (entry) => {
      if (entry.startsWith(' ') || entry.length > MAX_ENTRY_LENGTH) return;
      attempt(() => {
        makeDirectory(dirname(file));
        appendFileSync(file, `${seal(entry)}\n`, { mode: 0o600 });
      });
    },
  };
};

const loadLines = (file: string): readonly string[] => {
  try {
    return readRegularFile(file)
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
};

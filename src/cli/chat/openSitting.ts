import { uptime } from 'node:os';
import { connect, ignoreElements, merge, tap } from 'rxjs';
import type { Resume } from '../../../streams/wire/index.js';
import type { Invite } from '../../invite/invite.js';
import { formatInvite } from '../../invite/text.js';
import { coloursOf } from '../../terminal/style.js';
import { shown, visible } from '../../terminal/visible.js';
import { calledAs } from '../calledAs.js';
import { BELLS, NOTICES } from '../choices.js';
import type { Desk } from '../commands/join.js';
import { note } from '../exit.js';
import { inputHistoryDir, openInputHistory } from '../inputHistory.js';
import { deriveRoomKeys } from '../../crypto/roomKeys.js';
import type { Company } from '../company.js';
import { choice, type Flags } from '../flags.js';
import { tellRoom } from '../offline.js';
import type { People } from '../people.js';
import { desk } from './desk.js';
import { bare, info, type Line } from './line.js';
import { sitting } from './sitting.js';
import { view as viewOf } from './view.js';

export interface OpenOptions {
  readonly invite: Invite;
  /** Whether this run has made the room. */
  readonly isNew: boolean;
  readonly nick: string;
  readonly people: People;
  readonly around: Company;
  readonly flags: Flags;
  readonly readTo: Resume | undefined;
}

/** A conversation in front of a terminal, by what the command line says. */
export const openSitting = ({ invite, isNew, nick, people, around, flags, readTo }: OpenOptions): Desk => {
  const utc = flags['utc'] === true;
  const colours = coloursOf(process.stdout, process.env, flags['color'] !== false);
  const text = formatInvite(invite);
  const keys = deriveRoomKeys(invite.secret);
  const view = viewOf({
    nick,
    isVerified: people.isVerified,
    isIgnored: people.isIgnored,
    isSelf: (key) => key === people.identity.key,
    news: around.hear,
    readTo,
    quiet: flags['quiet'] === true,
    utc,
    now: Date.now,
    // Of the time that the machine was asleep too.
    elapsed: () => uptime() * 1000,
  });
  const sat = sitting({
    view,
    desk: desk({ view, people, members: () => [...around.members], invite: visible(text), utc }),
    around,
    colours,
    utc,
    bell: choice(flags, 'bell', BELLS),
    notices: choice(flags, 'notify', NOTICES),
    invite: text,
    history: flags['history'] === false ? undefined : openInputHistory(inputHistoryDir(), keys, note),
    greeting: isNew ? newRoomLines(text) : [],
    qr: flags['qr'] === true,
  });
  return {
    ...sat,
    // A person is slow enough.
    pace: () => undefined,
    show: connect((heard$) =>
      merge(
        heard$.pipe(sat.draw),
        heard$.pipe(
          tellRoom(invite),
          tap((words) => {
            sat.print([info(shown`${words}`)]);
          }),
          ignoreElements(),
        ),
      ),
    ),
  };
};

/** What somebody who has just made a room needs to know. */
const newRoomLines = (invite: string): readonly Line[] => [
  info(shown`a new room; whoever has this invite is in:`),
  bare(visible(invite)),
  info(shown`1. give it to others, who run: ${calledAs()} join INVITE; /invite qr shows it as a code`),
  info(shown`2. type a message and press Enter; /help shows the commands`),
  info(shown`3. /quit leaves; with the same invite you come back`),
];

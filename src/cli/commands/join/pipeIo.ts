import { connect, ignoreElements, map, merge, tap } from 'rxjs';
import type { ClientEvent } from '../../../../streams/index.js';
import type { Invite } from '../../../invite/invite.js';
import { joinLines, safe, type SafeText } from '../../../text/sanitize.js';
import { LONG_LINE_POLICIES } from '../../args/choices.js';
import { choiceFlag, type Flags } from '../../args/flags.js';
import { sliceTicks, writeSlices } from '../../process/output.js';
import { standardInput } from '../../process/stdio.js';
import type { Backpressure } from '../../shared/backpressure.js';
import { describeConnection } from '../../shared/connectionNotices.js';
import { lineSource } from '../../shared/input/source.js';
import type { MemberTracker } from '../../shared/memberTracker.js';
import type { ConversationIo } from './chat/openTerminalChat.js';
import type { GroupRoster } from '../../../text/groupRoster.js';
import { eventLine, groupEventLines, presenceLine, welcomeLine } from './chat/eventLine.js';
import { formatLine } from './chat/line.js';

/** Formats events for a pipe, a line each, without terminal sequences. */
export const pipeFormat = (
  nick: string,
  isVerified: (key: string) => boolean,
  utc = false,
  roster?: Pick<GroupRoster, 'update' | 'persons'>,
) => {
  let hasJoined = false;
  const changedKeys = new Set<string>();
  const trust = { isVerified, isChanged: (key: string) => changedKeys.has(key) };

  const lineOf = (event: ClientEvent) => {
    switch (event.type) {
      case 'welcome':
        if (hasJoined) return undefined;
        hasJoined = true;
        return welcomeLine(event, nick, roster);
      case 'joined':
      case 'left': {
        const others = event.nicks.filter((each) => each !== nick);
        return event.nicks.length > 0 && others.length === 0
          ? undefined
          : presenceLine(event.type, others, event.count, roster !== undefined);
      }
      default:
        return eventLine(event, trust);
    }
  };

  return (event: ClientEvent): SafeText | undefined => {
    if (event.type === 'key-changed') changedKeys.add(event.key);
    const line = lineOf(event);
    const groupLines = groupEventLines(event, roster?.update(event) ?? []);
    const lines = [...groupLines, ...(line === undefined ? [] : [line])];
    return lines.length === 0 ? undefined : joinLines(lines.map((each) => formatLine(each, utc)));
  };
};

/** Reads lines from standard input and writes the conversation to standard output. */
export const pipeIo = (
  format: (event: ClientEvent) => SafeText | undefined,
  members: MemberTracker,
  invite: Invite,
  flags: Flags,
  backpressure: Backpressure,
): ConversationIo => ({
  ...lineSource(standardInput(), { longLines: choiceFlag(flags, 'long', LONG_LINE_POLICIES) }),
  render: connect((event$) =>
    merge(
      event$.pipe(members.dedupePresence(), map(format)),
      event$.pipe(
        describeConnection(invite),
        map((text) => safe`-- ${text}`),
      ),
    ).pipe(
      tap(() => backpressure.add(1)),
      sliceTicks(),
      writeSlices(({ values }) => {
        const lines = values.filter((line) => line !== undefined);
        return { lines, count: values.length, value: undefined };
      }, backpressure),
      ignoreElements(),
    ),
  ),
});

import type { Resume, ClientEvent } from '../../../../streams/index.js';
import type { SafeText } from '../../../text/sanitize.js';
import { usageError } from '../../process/exit.js';
import { type Flags, flagName, integerFlag, pastTimeFlag } from '../../args/flags.js';
import { type StoredPosition, toResume } from './cursorFile.js';

const MAX_POSITION = Number.MAX_SAFE_INTEGER;

/** The position at which a listener starts. */
interface StartPosition {
  readonly after: Resume | undefined;
  readonly last: number | undefined;
  /** Messages before this time are left out, in ms since 1970. */
  readonly since: number | undefined;
  /** How many lines of the first entry were read before. */
  readonly resumedFrom: StoredPosition | undefined;
}

/**
 * Returns the start position: the cursor if there is one, else by the flags.
 * The flags are `--after`, `--last` and `--since`. Without them, `--until-now` starts with the oldest entry.
 */
export const startFromFlags = (
  flags: Flags,
  cursor: StoredPosition | undefined,
  now: number,
): StartPosition => {
  const [first, second] = ['after', 'last', 'since'].filter((key) => flags[key] !== undefined);
  if (first !== undefined && second !== undefined)
    throw usageError(`${flagName(first)} and ${flagName(second)} both set the start`, 'use only one of them');
  const n = integerFlag(flags, 'after', 0, MAX_POSITION);
  const last = integerFlag(flags, 'last', 0, MAX_POSITION);
  const since = pastTimeFlag(flags, 'since', now);

  if (cursor !== undefined)
    return {
      after: toResume(cursor),
      last: undefined,
      since: undefined,
      resumedFrom: cursor,
    };
  const startsAtOldest = since !== undefined || (flags['untilNow'] === true && last === undefined);
  const position = n ?? (startsAtOldest ? 0 : undefined);
  return {
    after: position === undefined ? undefined : { log: '*', n: position },
    last,
    since,
    resumedFrom: undefined,
  };
};

interface MessageFilterOptions extends Pick<StartPosition, 'since' | 'resumedFrom'> {
  /** The key whose messages are left out. */
  readonly excludedKey: string | undefined;
}

/** An event, and whether to deliver it. */
export interface FilteredEvent {
  readonly event: ClientEvent;
  readonly isSelected: boolean;
  /** What the event says about the group of the room, for text output. */
  readonly groupNotes?: readonly SafeText[];
}

/** Events without a time of their own; they count as old as the next message. */
const TYPES_WITHOUT_TIME: readonly ClientEvent['type'][] = [
  'undecryptable',
  'joined',
  'left',
  'epoch',
  'before-join',
  'forgotten',
  'void',
  'handshake',
  'rejected',
  'leaving',
  'removed',
];

/** Adds to each event what it says about the group. The group also changes with events that are not delivered. */
export const withGroupNotes =
  (
    filter: (event: ClientEvent) => readonly FilteredEvent[],
    describe: (event: ClientEvent) => readonly SafeText[],
  ): ((event: ClientEvent) => readonly FilteredEvent[]) =>
  (event) => {
    const groupNotes = describe(event);
    const filtered = filter(event);
    return groupNotes.length === 0
      ? filtered
      : filtered.map((each) => (each.event === event && each.isSelected ? { ...each, groupNotes } : each));
  };

/**
 * Returns a function that marks the events to deliver.
 * It leaves out lines that were read before, messages of `excludedKey`, and all before the first message after `since`.
 * The clock of that message's sender decides. Live messages are delivered, whatever their clock says.
 */
export const messageFilter = ({
  since,
  resumedFrom,
  excludedKey,
}: MessageFilterOptions): ((event: ClientEvent) => readonly FilteredEvent[]) => {
  let hasStarted = since === undefined;
  let end: number | undefined;
  /** The missing entries may be new enough; the next message decides that. */
  let gap: ClientEvent | undefined;
  let skipped = resumedFrom;

  const begin = (): readonly FilteredEvent[] => {
    hasStarted = true;
    return gap === undefined ? [] : [{ event: gap, isSelected: true }];
  };

  const isSelected = (event: ClientEvent): boolean => {
    if (event.type !== 'message') return hasStarted || !TYPES_WITHOUT_TIME.includes(event.type);
    const { position, index, key } = event;
    if (skipped?.position === position - 1 && index < skipped.lines) return false;
    return hasStarted && key !== excludedKey;
  };

  return (event) => {
    // The positions of another log are those of other entries.
    if (event.type === 'invite-changed') skipped = undefined;
    else if (event.type === 'log-changed' && (event.shared ?? 0) <= (skipped?.position ?? 0))
      skipped = undefined;
    if (hasStarted) return [{ event, isSelected: isSelected(event) }];

    if (event.type === 'welcome') end ??= event.next;
    if (event.type === 'gap') {
      gap = event;
      return event.to + 1 >= (end ?? 0) ? begin() : [{ event, isSelected: false }];
    }
    const isLive =
      (event.type === 'message' || event.type === 'joined' || event.type === 'left') &&
      event.position >= (end ?? 0);
    const isNew = isLive || (event.type === 'message' && event.time >= (since ?? 0));
    const isEmpty = event.type === 'welcome' && event.from >= event.next;
    const before = isNew || isEmpty ? begin() : [];
    if (event.type === 'message') gap = undefined;
    return [...before, { event, isSelected: isSelected(event) }];
  };
};

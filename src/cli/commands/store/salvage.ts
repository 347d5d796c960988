import { defer, map, type Observable } from 'rxjs';
import { randomText } from '../../../crypto/random.js';
import { type Salvaged, type SalvagedRoom, salvageHistory } from '../../../history/index.js';
import { pluralize } from '../../../text/format.js';
import { safe, safeJson, type SafeText } from '../../../text/sanitize.js';
import { writeOut } from '../../../terminal/write.js';
import type { Flags } from '../../args/flags.js';
import { Exit } from '../../process/exit.js';
import { historyDirFromFlags } from '../serve/relayOptions.js';
import { BACKUP_FILES } from './formatContents.js';

/** `rxchat check --salvage`: copies what can be read of a damaged store, and prints what of each room is saved. */
export const salvage = (flags: Flags, target: string): Observable<number> =>
  defer(() => {
    const dir = historyDirFromFlags(flags);
    const isJson = flags['json'] === true;
    return defer(() => salvageHistory(dir, target, () => randomText(12), BACKUP_FILES)).pipe(
      map((salvaged) => {
        for (const room of salvaged.rooms)
          writeOut(isJson ? safeJson({ v: 1, type: 'salvaged-room', ...room }) : describeRoom(room));
        writeOut(isJson ? safeJson(resultOf(salvaged)) : describeSalvaged(target, dir, salvaged));
        return salvaged.isComplete ? Exit.ok : Exit.partial;
      }),
    );
  });

const savedEntries = (rooms: readonly SalvagedRoom[]): number =>
  rooms.reduce((sum, { entries }) => sum + entries, 0);

const lostEntries = (rooms: readonly SalvagedRoom[]): number =>
  rooms.reduce((sum, { lost }) => sum + lost.reduce((count, { from, to }) => count + to - from + 1, 0), 0);

const resultOf = ({ rooms, isComplete, files }: Salvaged) => ({
  v: 1,
  type: 'salvaged',
  isComplete,
  rooms: rooms.length,
  entries: savedEntries(rooms),
  lost: lostEntries(rooms),
  files,
});

/** Maximum number of ranges of lost entries in the line of a room. */
const MAX_RANGES = 20;

/** Describes what was saved of a room in a line. */
export const describeRoom = ({ room, entries, lost, hasNewLog }: SalvagedRoom): SafeText => {
  const ranges = lost.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
  const more = ranges.length > MAX_RANGES ? ` and ${ranges.length - MAX_RANGES} more ranges` : '';
  const facts = [
    `saved ${pluralize(entries, 'entry', 'entries')}`,
    ...(ranges.length > 0 ? [`lost ${ranges.slice(0, MAX_RANGES).join(', ')}${more}`] : []),
    ...(hasNewLog ? ['its own record is lost, so its log is a new one, and its end may be missing'] : []),
  ];
  return safe`room ${room}: ${facts.join('; ')}`;
};

/** Describes the result in a line. */
export const describeSalvaged = (target: string, dir: string, { rooms, isComplete }: Salvaged): SafeText => {
  const saved = `${pluralize(rooms.length, 'room')}, ${pluralize(savedEntries(rooms), 'entry', 'entries')}`;
  const lost = lostEntries(rooms);
  const loss = isComplete
    ? 'nothing is lost'
    : lost > 0
      ? `${pluralize(lost, 'entry is', 'entries are')} lost, and more may be`
      : 'a part of the history could not be read, so entries may be lost';
  return safe`${target} has what could be read of ${dir}: ${saved}; ${loss}`;
};

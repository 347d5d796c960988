import { formatPairs, formatTable } from '../../../admin/formatTable.js';
import type { AdminAction, AdminResult } from '../../../admin/protocol.js';
import { pluralize } from '../../../text/format.js';
import { concatText, joinLines, safe, type SafeText } from '../../../text/sanitize.js';

/** A column of a table, and the field of its values. */
interface FieldColumn {
  readonly field: string;
  readonly title: string;
  readonly isNumber?: boolean;
}

const CONNECTION_COLUMNS: readonly FieldColumn[] = [
  { field: 'peer', title: 'ADDRESS' },
  { field: 'nick', title: 'NICK' },
  { field: 'since', title: 'SINCE' },
  { field: 'receivedBytes', title: 'RECEIVED', isNumber: true },
  { field: 'room', title: 'ROOM' },
];

const ROOM_COLUMNS: readonly FieldColumn[] = [
  { field: 'room', title: 'ROOM' },
  { field: 'connections', title: 'CONNECTIONS', isNumber: true },
  { field: 'receivedBytes', title: 'RECEIVED', isNumber: true },
  { field: 'since', title: 'SINCE' },
];

const BAN_COLUMNS: readonly FieldColumn[] = [
  { field: 'target', title: 'TARGET' },
  { field: 'until', title: 'UNTIL' },
];

/** Formats the result of an action for people. It comes from the relay, so it may lack fields or have unknown ones. */
export const formatResult = (action: AdminAction, result: AdminResult): SafeText => {
  switch (action) {
    case 'status':
      return formatPairs(
        Object.entries(result).map(([name, value]) => [labelOf(name), valueOf(name, value)]),
      );
    case 'connections':
      return formatRows(CONNECTION_COLUMNS, result);
    case 'rooms':
      return formatRows(ROOM_COLUMNS, result);
    case 'bans':
      return formatRows(BAN_COLUMNS, result);
    case 'kick':
      return safe`${disconnected(result)}`;
    case 'ban': {
      const until =
        result['until'] === undefined ? 'until it is removed' : `until ${valueOf('until', result['until'])}`;
      return safe`banned ${textOf(result['target'])} ${until}; ${disconnected(result)}`;
    }
    case 'unban':
      return safe`removed the ban of ${textOf(result['target'])}`;
    case 'delete-room': {
      const [entries, bytes] = [Number(result['entries']), formatBytes(Number(result['bytes']))];
      const room = textOf(result['target']);
      return safe`deleted ${room} with ${pluralize(entries, 'entry', 'entries')} (${bytes}); ${disconnected(result)}`;
    }
    case 'drain':
      return safe`the relay stops at ${valueOf('stopsAt', result['stopsAt'])}`;
    case 'reload':
      return safe`reloaded; log level ${textOf(result['logLevel'])}, bans: ${textOf(result['bans'])}`;
    case 'log-level':
      return safe`${textOf(result['logLevel'])}`;
  }
};

const disconnected = ({ disconnected: count }: AdminResult): string =>
  `disconnected ${pluralize(Number(count), 'connection')}`;

const formatRows = (columns: readonly FieldColumn[], { rows, total }: AdminResult): SafeText => {
  const all = Array.isArray(rows) ? rows.filter(isRecord) : [];
  const table = formatTable(
    columns,
    all.map((row) => columns.map(({ field }) => valueOf(field, row[field]))),
  );
  const missing = typeof total === 'number' ? total - all.length : 0;
  return missing > 0 ? joinLines([table, concatText(safe`and ${missing} more`)]) : table;
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Formats the name of a field: `slowReaders` becomes `slow readers`. */
const labelOf = (name: string): string =>
  name.replace(/(At|Bytes)$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const valueOf = (name: string, value: unknown): string => {
  if (typeof value === 'number' && name.endsWith('Bytes')) return formatBytes(value);
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  return textOf(value).replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{3}Z$/, '$1 $2Z');
};

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '-' : JSON.stringify(value);

/** Formats bytes with three digits: `873 B`, `4.2 KiB`, `17 MiB`. */
const formatBytes = (bytes: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? ''}`;
};

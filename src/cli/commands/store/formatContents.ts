import type { Backup, Contents } from '../../../history/index.js';
import { pluralize } from '../../../text/format.js';

/** Formats how much a store holds. */
export const formatContents = ({ rooms, entries, bytes }: Contents): string =>
  [pluralize(rooms, 'room'), pluralize(entries, 'entry', 'entries'), pluralize(bytes, 'byte')].join(', ');

/** Formats what a backup contains. */
export const formatBackup = ({ files, ...contents }: Backup): string =>
  `${formatContents(contents)}${files.length > 0 ? ', and the certificate of the relay with its key' : ''}`;

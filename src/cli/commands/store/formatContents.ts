import { BAN_FILE } from '../../../admin/banFile.js';
import type { Backup, Contents } from '../../../history/index.js';
import { OWN_CERTIFICATE_FILE } from '../../../net/tls/certificate.js';
import { pluralize } from '../../../text/format.js';

/** Names of the files that a backup has besides the store, if the relay has them, and what they are. */
const FILES: Readonly<Record<string, string>> = {
  [OWN_CERTIFICATE_FILE]: 'the certificate of the relay with its key',
  [BAN_FILE]: 'the bans',
};

/** The files that a backup has besides the store. */
export const BACKUP_FILES: readonly string[] = Object.keys(FILES);

/** Formats how much a store holds. */
export const formatContents = ({ rooms, entries, bytes }: Contents): string =>
  [pluralize(rooms, 'room'), pluralize(entries, 'entry', 'entries'), pluralize(bytes, 'byte')].join(', ');

/** Formats what a backup contains. */
export const formatBackup = ({ files, ...contents }: Backup): string =>
  [formatContents(contents), ...files.map((file) => `and ${FILES[file] ?? file}`)].join(', ');

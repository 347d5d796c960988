import type { Contents } from '../../../history/index.js';
import { pluralize } from '../../../text/format.js';

/** Formats how much a store holds. */
export const formatContents = ({ rooms, entries, bytes }: Contents): string =>
  [pluralize(rooms, 'room'), pluralize(entries, 'entry', 'entries'), pluralize(bytes, 'byte')].join(', ');

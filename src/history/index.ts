export { backupHistory } from './maintenance/backup.js';
export { checkHistory } from './maintenance/check.js';
export { salvageHistory } from './maintenance/salvage.js';
export { restoreHistory } from './maintenance/restore.js';
export { HistoryError } from './layout/errors.js';
export type { HistoryErrorCode } from './layout/errors.js';
export { lmdbHistory } from './lmdbHistory.js';
export type { HistoryEvent, LmdbHistoryOptions, StoreCopied, StoreUsage } from './lmdbHistory.js';
export type { ClockAhead, ClockBelieved } from './maintenance/retentionClock.js';
export type { Forgotten, Removed } from './maintenance/sweepRooms.js';
export type { Retention } from './maintenance/retention.js';
export type { Backup } from './maintenance/backup.js';
export type { Salvaged } from './maintenance/salvage.js';
export type { SalvagedRoom } from './maintenance/salvagedRooms.js';
export type { Contents } from './maintenance/check.js';
export type {
  Batch,
  Gap,
  History,
  PendingRead,
  ReadableLog,
  RemovedEntries,
  StoredLog,
} from '../../streams/relay/index.js';
export type { Ancestor, Lines } from '../../streams/wire/index.js';

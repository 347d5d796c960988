export { checkHistory } from './check.js';
export { HistoryError } from './errors.js';
export type { HistoryErrorCode } from './errors.js';
export { lmdbHistory } from './lmdbHistory.js';
export type { HistoryEvent, LmdbHistoryOptions } from './lmdbHistory.js';
export type { ClockAhead, ClockBelieved } from './clockKeeper.js';
export type { Forgotten, Removed } from './sweep.js';
export type { Retention } from './retention.js';
export type { Contents } from './verify.js';

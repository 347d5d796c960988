import { defer, tap } from 'rxjs';
import { AppendConflictError, type Ledger } from '../../../../../streams/relay/cluster/ledger.js';
import type { History, StoredLog } from '../../../../../streams/relay/index.js';

/** Receives how long each commit took in ms, and whether it was stored. */
export type OnCommit = (durationMs: number, isStored: boolean) => void;

/** Returns a history that reports each commit of another one. */
export const measureCommits = (history: History, onCommit: OnCommit, now: () => number): History => ({
  ...history,
  open: (room, newId) => measureLog(history.open(room, newId), onCommit, now),
});

/** Returns a ledger that reports each append, unless a newer record of the room prevented it. */
export const measureAppends = (ledger: Ledger, onCommit: OnCommit, now: () => number): Ledger => ({
  ...ledger,
  append: (...record) =>
    defer(() => {
      const from = now();
      return ledger.append(...record).pipe(
        tap({
          error: (error: unknown) => {
            if (!(error instanceof AppendConflictError)) onCommit(now() - from, false);
          },
          complete: () => {
            onCommit(now() - from, true);
          },
        }),
      );
    }),
});

const measureLog = (log: StoredLog, onCommit: OnCommit, now: () => number): StoredLog => ({
  id: log.id,
  get first() {
    return log.first;
  },
  get next() {
    return log.next;
  },
  read: (position) => log.read(position),
  append: (batch) =>
    defer(() => {
      const from = now();
      return log.append(batch).pipe(
        tap({
          error: () => {
            onCommit(now() - from, false);
          },
          complete: () => {
            onCommit(now() - from, true);
          },
        }),
      );
    }),
});

import { connect, filter, merge, type Observable, share } from 'rxjs';
import { concatMapIterable } from '../../rx/concatMapIterable.js';
import type { Committed, CommittedEvent } from '../log/commitQueue.js';
import { deliver, type DeliverOptions, type MemberFailed } from './deliver.js';

/** Delivers the log of a room and its events as they are committed. Emits the events, and the failures of members. */
export const deliverCommitted =
  (options: Omit<DeliverOptions, 'grown$'>) =>
  (committed$: Observable<Committed>): Observable<CommittedEvent | MemberFailed> =>
    committed$.pipe(
      connect((shared$) => {
        const grown$ = shared$.pipe(
          filter(({ grew }) => grew),
          share(),
        );
        return shared$.pipe(
          concatMapIterable(({ events }) => events),
          connect((event$) => merge(event$.pipe(deliver({ ...options, grown$ })), event$)),
        );
      }),
    );

import { connect, EMPTY, exhaustMap, interval, map, merge, type OperatorFunction, takeWhile } from 'rxjs';
import { takeUntilComplete } from '../../../../../streams/rx/takeUntilComplete.js';
import type { ClientEvent } from '../../../../../streams/index.js';
import type { ChatOutput, ChatModel } from './chatModel.js';

/** Interval in ms between checks for lines that are due. */
const REFRESH_MS = 1000;

/**
 * Emits the output of each batch, and while something is pending also once a second.
 * Pending are for example an outage, a receipt, or joins and leaves. No timer runs while nothing is pending. Completes
 * with its source.
 *
 * ```text
 * event$  --[offline]--------------[welcome]--
 *           refreshWhilePending(model)
 *         --s---------s---s---s----s----------
 * ```
 */
export const refreshWhilePending =
  (
    model: Pick<ChatModel, 'update' | 'takeDue' | 'isPending'>,
  ): OperatorFunction<readonly ClientEvent[], ChatOutput> =>
  (event$) =>
    event$.pipe(
      connect((shared$) =>
        merge(
          shared$.pipe(map(model.update)),
          shared$.pipe(
            exhaustMap(() =>
              model.isPending
                ? interval(REFRESH_MS).pipe(
                    map((): ChatOutput => ({ lines: model.takeDue(), alerts: [] })),
                    takeWhile(() => model.isPending, true),
                  )
                : EMPTY,
            ),
            takeUntilComplete(shared$),
          ),
        ),
      ),
    );

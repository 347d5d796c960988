import type { RoomState } from './record.js';
import { bytesOf, isEmpty } from './retention.js';
import type { RoomSize } from './share.js';
import type { Pause, SweepOptions } from './sweep.js';
import { RECORDS_A_TURN } from './sweepRooms.js';
import { tally } from './tally.js';
import { cutTo } from './trim.js';

/** As many records are split in a turn, each of which is stored again. */
const SPLITS_A_TURN = 4;

/** What a record may take that is stored again. */
const SPLIT_BYTES = 80_000;

/** Cuts rooms to a size, those that are larger; says how many bytes of entries went. First all that goes by whole records. */
export function* cutLargest(
  { store, now, onTrimmed, onEvent }: SweepOptions,
  sizes: readonly RoomSize[],
  level: number,
): Generator<Pause, number> {
  const removed = tally('total', onEvent);
  const touched = new Set<string>();
  const rooms = sizes.filter(({ bytes }) => bytes > level).map(({ room }) => room);

  function* pass(canSplit: boolean): Generator<Pause, void> {
    const left = [...rooms];
    while (left.length > 0) {
      yield 'turn';
      const done: { readonly room: string; readonly was: RoomState; readonly state: RoomState }[] = [];
      let finished = 0;
      store.write(
        () => {
          let most = canSplit ? SPLITS_A_TURN : RECORDS_A_TURN;
          for (let at = left.length - 1; most > 0 && at >= 0; at -= 1) {
            const room = left[at] ?? '';
            const was = store.room(room);
            const cut = was && cutTo(store, room, was, { limit: level, most, canSplit });
            if (was !== undefined && cut !== undefined && cut.removed > 0) {
              const state = isEmpty(cut.state) ? { ...cut.state, oldest: now() } : cut.state;
              store.putRoom(room, state);
              done.push({ room, was, state });
            }
            most -= Math.max(1, cut?.removed ?? 0);
            if (most > 0 || cut === undefined || bytesOf(cut.state) <= level) finished += 1;
          }
        },
        canSplit ? SPLITS_A_TURN * SPLIT_BYTES : 0,
      );
      for (const { room, was, state } of done) {
        removed.add(was, state, touched.has(room));
        touched.add(room);
      }
      left.splice(left.length - finished);
      if (done.length > 0) onTrimmed();
    }
  }

  try {
    yield* pass(false);
    // So that what went can be used by what is stored again.
    if (removed.bytes > 0) store.reuse();
    yield* pass(true);
    return removed.bytes;
  } finally {
    removed.report();
  }
}

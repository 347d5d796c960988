import { expect, test } from '@jest/globals';
import { EMPTY } from 'rxjs';
import { createSnapshotSaver } from '../../../../streams/client/group/snapshotSaver.js';
import { memberState, roomOfThree } from '../../../support/group/room.js';

test('the last save has no record of the slot, which another process may have by then', () => {
  const { room, alice } = roomOfThree();
  const state = memberState(alice);
  const saves: string[] = [];
  const saver = createSnapshotSaver({
    engine: room.engine,
    save: (_snapshot, { position }, slotRecord) => {
      saves.push(`${position} ${slotRecord === undefined ? 'without' : 'with'}`);
      return EMPTY;
    },
    order: undefined,
    state,
    resume: undefined,
    getInviteSecret: () => new Uint8Array(32),
    getReadPosition: () => ({ log: 'log', n: 7 }),
  });
  // What is stored already is not stored again.
  saver.saveLast(state);
  const next = { ...state, position: state.position + 1 };
  saver.save(next).subscribe();
  saver.saveLast(next);
  saver.saveLast({ ...next });
  expect(saves).toStrictEqual(['7 with', '7 without']);
});

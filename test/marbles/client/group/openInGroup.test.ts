import { describe, expect, test } from '@jest/globals';
import { map, of, pipe, tap } from 'rxjs';
import type { Frame } from '../../../../streams/client/group/frame.js';
import type { GroupContext } from '../../../../streams/client/group/groupEpoch.js';
import { openInGroup } from '../../../../streams/client/group/openInGroup.js';
import type { TokenEntry } from '../../../../streams/client/receive/entries.js';
import { memberState, roomOfThree, type TestDevice } from '../../../support/group/room.js';
import {
  entryOf,
  messageOf,
  outerKeyOf,
  sessionOf,
  type TestSession,
} from '../../../support/group/session.js';
import type { FakeInfo, FakeState } from '../../../support/group/fakeEngine.js';
import { marbles } from '../../../support/marbles.js';

interface Arrival {
  readonly type: 'joined';
}

/** The members of a room, and the log as entries by letter. */
const scene = () => {
  const { room, alice, bob, carol } = roomOfThree();
  const start = room.log.length;
  /** Lets a device write, and returns the entry. */
  const entryBy = (write: () => unknown): TokenEntry => {
    write();
    return entryOf(room.log.at(-1)!, room.log.length);
  };
  return { room, alice, bob, carol, start, entryBy };
};

const opened = (session: TestSession) =>
  pipe(
    openInGroup<Arrival | TokenEntry, FakeState, FakeInfo>(session),
    map((event) => {
      switch (event.type) {
        case 'opened':
          return event.envelope.lines.join();
        case 'epoch':
          return `epoch ${event.view.epoch} by ${event.committer.leaf}`;
        case 'rejected':
        case 'undecryptable':
          return event.reason;
        case 'beforeJoin':
          return `before ${event.from} ${event.to}`;
        default:
          return event.type;
      }
    }),
  );

describe('openInGroup', () => {
  test('opens messages around a commit, and passes other values on', () => {
    const { room, alice, bob, carol, entryBy } = scene();
    const x = entryBy(() => room.send(alice, 'x'));
    const k = entryBy(() => room.commit(bob));
    const y = entryBy(() => room.send(alice, 'y'));
    room.readAll(alice);
    const z = entryBy(() => room.send(alice, 'z'));
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const values: Record<string, TokenEntry | Arrival> = { x, k, y, z, A: { type: 'joined' } };
      const entry$ = cold('                                  -x-A-k-y-z-|', values);
      expectObservable(entry$.pipe(opened(sessionOf(carol)))).toBe('-x-A-k-y-z-|', {
        x: 'x',
        A: 'joined',
        k: 'epoch 3 by 1',
        y: 'void',
        z: 'z',
      });
      expectSubscriptions(entry$.subscriptions).toBe('^----------!');
    });
  });

  test('adopts an own commit at its echo, and voids the one that came second', () => {
    const { room, alice, bob, entryBy } = scene();
    const a = entryBy(() => room.commit(alice));
    const b = entryBy(() => room.commit(bob));
    const [first, second] = [sessionOf(alice), sessionOf(alice)];
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a-b-|', { a, b }).pipe(opened(first))).toBe('-a-b-|', {
        a: 'epoch 3 by 0',
        b: 'void',
      });
      const swapped = { a: { ...a, position: b.position }, b: { ...b, position: a.position } };
      expectObservable(cold('-b-a-|', swapped).pipe(opened(second))).toBe('-b-a-|', {
        b: 'epoch 3 by 1',
        a: 'void',
      });
    });
  });

  test('passes two commits for two epochs, one after the other', () => {
    const { room, alice, bob, carol, entryBy } = scene();
    const a = entryBy(() => room.commit(alice));
    room.readAll(alice, bob);
    const b = entryBy(() => room.commit(bob));
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-ab-|', { a, b }).pipe(opened(sessionOf(carol)))).toBe('-ab-|', {
        a: 'epoch 3 by 0',
        b: 'epoch 4 by 1',
      });
    });
  });

  test('opens again what it opened, with the keys of that epoch, and reads on', () => {
    const { room, alice, bob, carol, entryBy } = scene();
    const x = entryBy(() => room.send(alice, 'x'));
    const k = entryBy(() => room.commit(bob));
    const v = entryBy(() => room.send(alice, 'v'));
    room.readAll(alice);
    const z = entryBy(() => room.send(alice, 'z'));
    const context = { ...carol.context, forgetMs: Infinity };
    const session = sessionOf({ ...carol, context });
    marbles(({ cold, expectObservable }) => {
      const entry$ = cold('              -x-k-v-x-k-v-z-x-|', { x, k, v, z });
      expectObservable(entry$.pipe(opened(session))).toBe('-x-k-v-x-h-v-z-x-|', {
        x: 'x',
        k: 'epoch 3 by 1',
        v: 'void',
        h: 'handshake',
        z: 'z',
      });
    });
  });

  test('reports the range before the join', () => {
    const { room, alice, entryBy } = scene();
    const dave = room.device(4);
    const x = entryBy(() => room.send(alice, 'x'));
    room.readAll(dave);
    const d = entryBy(() => room.join(dave));
    const session = sessionOf({
      ...dave,
      state: { ...dave.state, firstUnread: undefined } as TestDevice['state'],
    });
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-x-d---|', { x, d }).pipe(opened(session))).toBe('-u-(be)|', {
        u: 'unread',
        b: 'before 4 4',
        e: 'epoch 3 by 3',
      });
    });
  });

  test('says that the device is behind if a commit is missing', () => {
    const { room, alice, carol, entryBy } = scene();
    room.commit(alice);
    room.readAll(alice);
    const x = entryBy(() => room.send(alice, 'x'));
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-x-|', { x }).pipe(opened(sessionOf(carol)))).toBe('-b-|', { b: 'behind' });
    });
  });

  test('emits undecryptable for tokens of others, and goes on', () => {
    const { room, alice, carol, entryBy } = scene();
    const x = entryBy(() => room.send(alice, 'x'));
    const w = entryOf(room.log.at(-1)!, 9, 2);
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-w-x-|', { w, x }).pipe(opened(sessionOf(carol)))).toBe('-w-x-|', {
        w: 'wrong key or tampered',
        x: 'x',
      });
    });
  });

  test('opens the next room after a move, and nothing more of the old one', () => {
    const { room, alice, bob, carol, entryBy } = scene();
    const inviteSecret = new Uint8Array(32).fill(2);
    const { leaf } = memberState(bob).epoch.view;
    const k = entryBy(() => room.commit(alice, { remove: [leaf], inviteSecret }));
    room.readAll(alice);
    room.send(alice, 'x');
    const frame: Frame = room.log.at(-1)!;
    const o = entryOf(frame, 5);
    const n = entryOf(frame, 1, 2);
    const session = sessionOf(carol);
    const m: Arrival = { type: 'joined' };
    marbles(({ cold, expectObservable }) => {
      const entry$ = cold<TokenEntry | Arrival>('-k-o-m-n-|', { k, o, m, n }).pipe(
        tap(({ type }) => type === 'joined' && session.changeLog()),
      );
      expectObservable(entry$.pipe(opened(session))).toBe('-k-o-m-n-|', {
        k: 'epoch 3 by 0',
        o: 'void',
        m: 'joined',
        n: 'x',
      });
    });
    // What is sealed from the move on belongs into the next room.
    const token = session.seal(messageOf('mine', 1));
    expect(typeof carol.context.cipher.open(outerKeyOf(2), token)).toBe('object');
  });

  test('has changed the state before it emits', () => {
    const { room, alice, carol, entryBy } = scene();
    const k = entryBy(() => room.commit(alice));
    const session = sessionOf(carol);
    const epochs: number[] = [];
    of(k)
      .pipe(openInGroup(session))
      .subscribe(() => epochs.push(session.state.phase === 'member' ? session.state.epoch.view.epoch : -1));
    expect(epochs).toStrictEqual([3]);
  });

  test('never completes, completes and errors with its source, and releases it', () => {
    const { room, alice, carol, entryBy } = scene();
    const x = entryBy(() => room.send(alice, 'x'));
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      expectObservable(cold('-', { x }).pipe(opened(sessionOf(carol)))).toBe('-');
      expectObservable(cold('--|', { x }).pipe(opened(sessionOf(carol)))).toBe('--|');
      expectObservable(cold('-x-#', { x }, 'gone').pipe(opened(sessionOf(carol)))).toBe(
        '-x-#',
        { x: 'x' },
        'gone',
      );
      const entry$ = hot('-x-x', { x });
      expectObservable(entry$.pipe(opened(sessionOf(carol))), '--!').toBe('-x', { x: 'x' });
      expectSubscriptions(entry$.subscriptions).toBe('         ^-!');
    });
  });

  test('errors when the cipher throws', () => {
    const { room, alice, carol, entryBy } = scene();
    const x = entryBy(() => room.send(alice, 'x'));
    const fault = new Error('no such mode');
    const open = () => {
      throw fault;
    };
    const context: GroupContext<FakeState, FakeInfo> = {
      ...carol.context,
      cipher: { ...carol.context.cipher, open },
    };
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const entry$ = cold('-x-|', { x });
      expectObservable(entry$.pipe(opened(sessionOf({ ...carol, context })))).toBe('-#', {}, fault);
      expectSubscriptions(entry$.subscriptions).toBe('^!');
    });
  });
});

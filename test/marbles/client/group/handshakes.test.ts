import { describe, expect, test } from '@jest/globals';
import { map, tap } from 'rxjs';
import {
  type HandshakeEvent,
  handshakes,
  type HandshakesInput,
  type HandshakesOutput,
} from '../../../../streams/client/group/handshakes.js';
import { identityOf } from '../../../support/group/devices.js';
import { memberState, roomOfThree, type TestDevice, type TestRoom } from '../../../support/group/room.js';
import { marbles } from '../../../support/marbles.js';

type Input = HandshakesInput | (() => HandshakesInput);

const inputs: Readonly<Record<string, HandshakesInput>> = {
  o: { type: 'write-phase', phase: 'offline' },
  w: { type: 'write-phase', phase: 'waiting' },
  r: { type: 'write-phase', phase: 'ready' },
  n: { type: 'request', request: { type: 'renew' } },
  c: { type: 'request', request: { type: 'remove', key: identityOf(3).key } },
};

const outputs: Readonly<Record<string, string>> = {
  C: 'commit',
  I: 'groupInfo',
  D: 'request-done',
  F: 'request-refused',
  N: 'no-group-info',
};

/** Lets a device read the next entry. Returns the last event of it, which follows the change of its state. */
const read = (room: TestRoom, device: TestDevice) => (): HandshakesInput => {
  room.readOne(device);
  return device.events.at(-1) as HandshakeEvent;
};

/** Draws what the handshakes of a device write and report. What they write is in the log at once. */
const draw = (
  room: TestRoom,
  device: TestDevice,
  [input, expected]: readonly [string, string],
  values: Readonly<Record<string, Input>> = {},
): void => {
  marbles(({ hot, expectObservable }) => {
    const operator = handshakes({
      context: device.context,
      session: {
        get state() {
          return device.state;
        },
        update: (state) => {
          device.state = state;
        },
      },
      role: { type: 'member' },
      random: () => 0.5,
      randomBytes: (count) => new Uint8Array(count).fill(7),
    });
    const output$ = hot<Input>(input, { ...inputs, ...values }).pipe(
      map((each) => (typeof each === 'function' ? each() : each)),
      operator,
      tap((output: HandshakesOutput) => {
        if (output.type === 'write') room.append(output.frame);
      }),
      map((output) => (output.type === 'write' ? output.frame.type : output.type)),
    );
    expectObservable(output$).toBe(expected, outputs);
  });
};

describe('handshakes', () => {
  test('writes a request once tokens may be written, and reports it when its state is stored', () => {
    const { room, alice } = roomOfThree();
    // The removal is staged at the first `r`, and written at the second one, when its state is stored.
    draw(room, alice, ['-c-r-wr-wx-r-|', '------C----D-|'], { x: read(room, alice) });
    expect(memberState(alice).epoch.view.members).toHaveLength(2);
  });

  test('writes a handshake again over the next connection, and once over each', () => {
    const { room, alice } = roomOfThree();
    draw(room, alice, ['-r-c-wr-wr-o-w-r-|', '------C--------C-|']);
  });

  test('stages again after a random delay if another commit won', () => {
    const { room, alice, bob } = roomOfThree();
    room.commit(bob);
    // Half of 120 ms after the first lost race. The first entry to read is the commit of bob.
    draw(room, alice, ['-c-r-x-- 100ms wr-|', '-------- 100ms -C-|'], { x: read(room, alice) });
  });

  test('reports why a request is not possible, and goes on', () => {
    const { room, bob } = roomOfThree();
    draw(room, bob, ['-r-c-n-wr-|', '---F----C-|']);
  });

  test('a member forgets a group info of others by which it cannot join again', () => {
    const { room, alice } = roomOfThree();
    const state = memberState(alice);
    const ahead = { ...state.epoch.view, epoch: 9, signer: 1, applicationData: new Uint8Array(0) };
    const members = Array.from({ length: 250 }, (_, leaf) => ({
      ...state.epoch.view.members[1]!,
      leaf,
      device: `${leaf}`,
    }));
    alice.state = { ...state, ahead: { ...ahead, members } as never };
    draw(room, alice, ['-r-n-wr-|', '------C-|']);
    expect(memberState(alice)).toMatchObject({ ahead: undefined });
  });

  test('a newcomer waits for another group info if it cannot join by the first one', () => {
    const { room, alice } = roomOfThree();
    const dave = room.device(4);
    room.readAll(dave);
    const { engine } = dave.context;
    const context = { ...dave.context, engine: { ...engine, createExternalCommit: () => undefined } };
    room.postGroupInfo(alice);
    draw(room, { ...dave, context }, ['-r-|', '-N-|']);
  });
});

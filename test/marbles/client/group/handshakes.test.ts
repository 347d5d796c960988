import { describe, expect, test } from '@jest/globals';
import { map, tap } from 'rxjs';
import {
  type HandshakeEvent,
  handshakes,
  type HandshakesInput,
  type HandshakesOutput,
} from '../../../../streams/client/group/handshakes.js';
import { createDevice } from '../../../../streams/client/group/credential.js';
import { GroupFullError } from '../../../../streams/client/group/errors.js';
import { MEMBER_LIMIT } from '../../../../streams/client/group/rules.js';
import { ed25519, identityOf } from '../../../support/group/devices.js';
import { memberState, roomOfThree, type TestDevice, type TestRoom } from '../../../support/group/room.js';
import { marbles } from '../../../support/marbles.js';

type Input = HandshakesInput | (() => HandshakesInput);

const inputs: Readonly<Record<string, HandshakesInput>> = {
  o: { type: 'write-phase', phase: 'offline' },
  w: { type: 'write-phase', phase: 'waiting' },
  r: { type: 'write-phase', phase: 'ready' },
  n: { type: 'request', request: { type: 'renew' } },
  c: { type: 'request', request: { type: 'remove', key: identityOf(3).key } },
  a: { type: 'room-answer', answer: { type: 'reserved' } },
  f: { type: 'room-answer', answer: { type: 'refused', code: 'room-not-allowed', text: 'not here' } },
  u: { type: 'room-answer', answer: { type: 'unreachable', text: 'no answer' } },
};

const outputs: Readonly<Record<string, string>> = {
  C: 'commit',
  I: 'groupInfo',
  D: 'request-done',
  F: 'request-refused',
  X: 'request-refused room-not-allowed',
  U: 'request-refused unreachable',
  N: 'no-group-info',
  // With the first byte of the secret.
  Q: 'reserve-room 1',
  R: 'reserve-room 2',
  L: 'release-room',
};

/** Lets a device read the next entry. Returns the last event of it, which follows the change of its state. */
const read = (room: TestRoom, device: TestDevice) => (): HandshakesInput => {
  room.readOne(device);
  return device.events.at(-1) as HandshakeEvent;
};

const describeOutput = (output: HandshakesOutput): string => {
  switch (output.type) {
    case 'write':
      return output.frame.type;
    case 'reserve-room':
      return `${output.type} ${output.secret[0]}`;
    case 'request-refused':
      return output.code === undefined ? output.type : `${output.type} ${output.code}`;
    default:
      return output.type;
  }
};

/** Draws what the handshakes of a device write and report. What they write is in the log at once. */
const draw = (
  room: TestRoom,
  device: TestDevice,
  [input, expected]: readonly [string, string],
  values: Readonly<Record<string, Input>> = {},
  error?: Error,
): void => {
  let randomCount = 0;
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
      randomBytes: (count) => new Uint8Array(count).fill((randomCount += 1)),
    });
    const output$ = hot<Input>(input, { ...inputs, ...values }).pipe(
      map((each) => (typeof each === 'function' ? each() : each)),
      operator,
      tap((output: HandshakesOutput) => {
        if (output.type === 'write') room.append(output.frame);
      }),
      map(describeOutput),
    );
    expectObservable(output$).toBe(expected, outputs, error);
  });
};

describe('handshakes', () => {
  test('writes a request once tokens may be written, and reports it when its state is stored', () => {
    const { room, alice } = roomOfThree();
    // The removal is staged at `a`, and written when its state is stored.
    draw(room, alice, ['-c-r-a-wr-wx-r---|', '---Q----C----(DL)|'], { x: read(room, alice) });
    expect(memberState(alice).epoch.view.members).toHaveLength(2);
  });

  test('removes all devices of a person', () => {
    const { room, alice, bob, carol } = roomOfThree();
    const phone = createDevice(ed25519.signingKey(new Uint8Array(32).fill(7)), identityOf(3), 'phone');
    const other = room.device(3, { device: phone });
    room.readAll(other);
    room.join(other);
    room.readAll(alice, bob, carol, other);
    expect(memberState(alice).epoch.view.members).toHaveLength(4);
    draw(room, alice, ['-c-r-a-wr-wx-r---|', '---Q----C----(DL)|'], { x: read(room, alice) });
    const left = memberState(alice).epoch.view.members.map(({ identity }) => identity);
    expect(left).toStrictEqual([identityOf(1).key, identityOf(2).key]);
  });

  test('writes a handshake again over the next connection, and once over each', () => {
    const { room, alice } = roomOfThree();
    draw(room, alice, ['-r-n-wr-wr-o-w-r-|', '------C--------C-|']);
  });

  test('stages again after a random delay if another commit won, for another room', () => {
    const { room, alice, bob } = roomOfThree();
    room.commit(bob);
    // Half of 120 ms after the first lost race. The first entry to read is the commit of bob.
    draw(room, alice, ['-c-r-a-x-- 100ms a-wr-|', '---Q---L 59ms R 45ms C-|'], { x: read(room, alice) });
  });

  test('refuses a request if the relay refuses the next room, commits nothing, and goes on', () => {
    const { room, alice } = roomOfThree();
    draw(room, alice, ['-r-c-f-n-wr-|', '---Q-X----C-|']);
    expect(memberState(alice).epoch.view.members).toHaveLength(3);
  });

  test('does not ask for the next room if the request is not possible, or moves no room', () => {
    const { room, alice, bob } = roomOfThree();
    draw(room, bob, ['-r-c-|', '---F-|']);
    draw(room, alice, ['-r-n-wr-|', '------C-|']);
  });

  test('asks again for the next room if the relay could not be asked, and gives up after 7 s', () => {
    const { room, alice } = roomOfThree();
    draw(room, alice, ['-r-c-u 999ms -u 1999ms -u 3999ms -u-|', '---Q-- 999ms Q- 1999ms Q- 3999ms QU-|']);
  });

  test('asks again for the next room after a lost connection', () => {
    const { room, alice } = roomOfThree();
    // The answer arrives while the client is offline, or the room may be lost with the connection.
    draw(room, alice, ['-r-c-w-a-o-r--a-wr-|', '---Q-------(LQ)--C-|']);
  });

  test('counts a removal as done if another member removed the person while the relay was asked', () => {
    const { room, alice, bob } = roomOfThree({ removalRule: 'anyone' });
    expect(room.commit(bob, { remove: [2] })).toBeUndefined();
    draw(room, alice, ['-r-c-x-a---|', '---Q---(DL)|'], { x: read(room, alice) });
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

  test('errors for a newcomer to a group that is full', () => {
    const { room, alice } = roomOfThree();
    const dave = room.device(4);
    room.postGroupInfo(alice);
    room.readAll(dave);
    const { state } = dave;
    if (state.phase !== 'newcomer' || state.groupInfo === undefined) throw new Error('no group info');
    const members = Array.from({ length: MEMBER_LIMIT }, (_, leaf) => ({
      ...memberState(alice).epoch.view.members[1]!,
      leaf,
      device: `${leaf}`,
    }));
    dave.state = { ...state, groupInfo: { ...state.groupInfo, members } };
    draw(room, dave, ['-r-|', '-#'], {}, new GroupFullError('the group is full'));
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

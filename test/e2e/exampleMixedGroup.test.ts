import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect } from '@jest/globals';
import { EMPTY, Subject } from 'rxjs';
import {
  type ClientEvent,
  createDevice,
  createGroup,
  createIdentity,
  createInvite,
  formatInvite,
  type GroupRequest,
  type Invite,
  joinRoom,
  type OutgoingMessage,
  parseInvite,
} from '../../src/index.js';
import { nodePlatform } from '../../src/node/nodePlatform.js';
import { PYTHON, withPython } from '../support/python.js';
import { type Child, start, tempDir } from './support/child.js';
import { cleanUp, onCleanup } from './support/cleanup.js';
import { type Relay, startRelay } from './support/relay.js';
import { lineWith } from './support/streamOutput.js';

const test = withPython('no group room was shared with a client in another language');
const SCRIPT = fileURLToPath(new URL('../../examples/python/groupchat.py', import.meta.url));

afterEach(cleanUp);

/** Starts the Python example with a state file of its own. */
const python = (
  relay: Relay,
  mode: 'create' | 'join' | 'send',
  nick: string,
  invite?: string,
  input?: string,
): Child =>
  start(
    PYTHON ?? 'python3',
    [
      SCRIPT,
      mode,
      ...(mode === 'create' ? [`127.0.0.1:${relay.port}`] : []),
      nick,
      join(tempDir(), 'state.json'),
    ],
    {
      env: { PYTHONUTF8: '1', PYTHONDONTWRITEBYTECODE: '1', ...(invite && { RXCHAT_INVITE: invite }) },
      ...(input !== undefined && { input }),
    },
  );

/** A member of this project, in this process. Without an invite it creates the room. */
const ownMember = (relay: Relay, nick: string, given?: Invite) => {
  const { suite, randomBytes } = nodePlatform;
  const identity = createIdentity();
  const created =
    given === undefined
      ? createGroup(nodePlatform, createInvite({ host: '127.0.0.1', port: relay.port }), identity)
      : undefined;
  const invite = given ?? created!.invite;
  const events: ClientEvent[] = [];
  const messages = new Subject<OutgoingMessage>();
  const requests = new Subject<GroupRequest>();
  const waiting = new Set<() => void>();
  const notify = () => {
    for (const check of waiting) check();
  };
  let failure = '';
  const subscription = messages
    .pipe(
      joinRoom(invite, {
        nick,
        identity,
        group: {
          device: createDevice(suite().ed25519.signingKey(randomBytes(32)), identity, 'laptop'),
          save: () => EMPTY,
          request$: requests,
          role: created ? { type: 'creator', groupId: created.groupId } : { type: 'member' },
        },
      }),
    )
    .subscribe({
      next: (event) => {
        events.push(event);
        notify();
      },
      error: (error: Error) => {
        failure = error.name;
        notify();
      },
    });
  onCleanup(() => subscription.unsubscribe());
  /** Resolves with the first value that `find` returns, now or after an event. */
  const until = <T>(find: () => T | undefined | false): Promise<T> =>
    new Promise((resolve) => {
      const check = () => {
        const found = find();
        if (found === undefined || found === false) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  const epochOf = (epoch: number) =>
    until(
      () => events.flatMap((event) => (event.type === 'epoch' && event.epoch === epoch ? [event] : []))[0],
    );
  const message = (text: string) =>
    until(
      () => events.flatMap((event) => (event.type === 'message' && event.text === text ? [event] : []))[0],
    );
  const nextInvite = () =>
    until(() => events.flatMap((event) => (event.type === 'invite-changed' ? [event] : []))[0]).then(
      ({ secret }): Invite => ({ ...invite, secret }),
    );
  const failed = () => until(() => (failure === '' ? undefined : failure));
  return { invite, events, messages, requests, epochOf, message, nextInvite, failed };
};

const keyOf = ({ out }: Child, nick: string): string =>
  out.lines.flatMap((line) => new RegExp(`^${nick} \\(([\\w-]{8})\\)`).exec(line)?.[1] ?? [])[0] ?? '';

describe('a group room with members of this project and of Python', () => {
  test('is read alike, and moves when this one removes a Python member', async () => {
    const relay = await startRelay();
    const alice = ownMember(relay, 'alice');
    await alice.epochOf(0);
    const bob = python(relay, 'join', 'bob', formatInvite(alice.invite));
    await alice.epochOf(1);
    const carol = python(relay, 'join', 'carol', formatInvite(alice.invite));
    await alice.epochOf(2);
    bob.writeInput('from bob, grüße\n');
    const { key } = await alice.message('from bob, grüße');
    alice.messages.next({ lines: ['from alice'] });
    for (const each of [bob, carol]) await each.out.until(lineWith(': from alice'));
    expect(await python(relay, 'send', 'dave', formatInvite(alice.invite), 'from outside').exit).toBe(0);
    expect(await alice.message('from outside')).toMatchObject({ nick: 'dave', external: true });

    alice.requests.next({ type: 'remove', key });
    expect(await bob.exit).toBe(1);
    expect(bob.err.text).toMatch(/removed this device\n$/);
    const invite = await alice.nextInvite();
    alice.messages.next({ lines: ['without bob'] });
    await carol.out.until(lineWith('without bob'));
    expect(bob.out.text).not.toContain('without bob');
    const erin = python(relay, 'join', 'erin', formatInvite(invite));
    await alice.epochOf(4);
    erin.writeInput('from erin\n');
    await alice.message('from erin');
    await carol.out.until(lineWith('from erin'));
    expect(alice.events.filter(({ type }) => type === 'alarm' || type === 'undecryptable')).toStrictEqual([]);
    for (const each of [carol, erin]) expect(each.err.text).not.toContain('counts for nobody');
  });

  test('moves when a Python member removes one of this project, which ends', async () => {
    const relay = await startRelay();
    const alice = python(relay, 'create', 'alice');
    await alice.out.until(lineWith(',group='));
    const invite = parseInvite(alice.out.lines[0] ?? '');
    const bob = ownMember(relay, 'bob', invite);
    await bob.epochOf(1);
    const carol = ownMember(relay, 'carol', invite);
    await carol.epochOf(2);
    bob.messages.next({ lines: ['from bob'] });
    await alice.out.until(lineWith(': from bob'));
    await carol.message('from bob');
    alice.writeInput(`/remove ${keyOf(alice, 'bob')}\nwithout bob\n`);
    expect(await bob.failed()).toBe('RemovedError');
    await carol.message('without bob');
    carol.messages.next({ lines: ['carol followed'] });
    await alice.out.until(lineWith('carol followed'));
    carol.requests.next({ type: 'leave' });
    expect(await carol.failed()).toBe('RemovedError');
    expect(
      bob.events.filter((event) => event.type === 'message' && event.text === 'without bob'),
    ).toHaveLength(0);
  });
});

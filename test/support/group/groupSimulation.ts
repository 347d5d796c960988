import { of, type Subscription, takeWhile, timer } from 'rxjs';
import type { ClientEvent } from '../../../streams/client/index.js';
import type { RemovalRule } from '../../../streams/client/group/groupId.js';
import type { Fault } from '../../../src/testing/fakeRelay.js';
import { marbles } from '../marbles.js';
import { fastCryptography, nodeCryptography } from './fastCrypto.js';
import { groupRoomFixture, ServedRooms } from './groupClients.js';
import { createPerson, type Person, type Process } from './simulatedPerson.js';

/** What happens in a group room. `who` is the index of a process; person 0 creates the room. */
export type GroupAction =
  | { readonly do: 'say' | 'stop' | 'crash' | 'rotate' | 'renew' | 'leave'; readonly who: number }
  /** `last` is how many entries of before it reads again. */
  | { readonly do: 'start'; readonly who: number; readonly last?: number }
  /** The process `by` removes the person of the process `who`. */
  | { readonly do: 'remove'; readonly who: number; readonly by: number }
  /** Somebody who is no member sends a message. */
  | { readonly do: 'send'; readonly who: number }
  /** The relay loses its logs, if all members are there. */
  | { readonly do: 'lose logs' }
  /** Which new rooms the relay serves from now on. */
  | { readonly do: 'serve'; readonly newRooms: ServedRooms['newRooms'] }
  | { readonly do: 'fault'; readonly fault: Fault };

export interface GroupPlan {
  readonly persons: number;
  /** How many processes the device of a person has. */
  readonly processes: number;
  readonly removalRule: RemovalRule;
  readonly forgetMs: number;
  /** How long a store of a snapshot takes, in ms. */
  readonly saveMs: number;
  readonly latencyMs: number;
  readonly seed: number;
  readonly cryptography: 'fast' | 'node';
  /** Each with the time that passes before it, in ms. */
  readonly actions: readonly (readonly [waitMs: number, action: GroupAction])[];
}

/** One run of a process of a person, from its start to its end. */
export interface GroupRun {
  /** The index of the person. */
  readonly who: number;
  readonly received: ClientEvent[];
  readonly sent: string[];
  /** Up to which position it reads again what the device had read. */
  readonly rereadTo: number;
  failure: Error | undefined;
  /** Whether it ran until the end of the simulation. */
  stayed: boolean;
}

/** A message of somebody who is no member. */
export interface ExternalRun {
  readonly text: string;
  readonly received: ClientEvent[];
  failure: Error | undefined;
  isStored: boolean;
}

export interface GroupOutcome {
  readonly runs: readonly GroupRun[];
  readonly externals: readonly ExternalRun[];
  /** The keys of the persons. */
  readonly keys: readonly string[];
  /** The last message of each process that was there at the end. */
  readonly lastTexts: readonly string[];
  /** Whether the relay lost its logs. */
  readonly hasLostLogs: boolean;
  /** The message keys of more than one token that was written. */
  readonly reusedKeys: readonly string[];
}

/** How long the clients have at the end to connect and to become quiet, twice, in ms. */
const SETTLE_MS = 120_000;
/** The seeds of those who are no members begin here. */
const FIRST_EXTERNAL_MARK = 50;

/** Plays a plan on virtual time. At the end the relay works and serves all rooms, and everybody that was not removed is there. */
export const simulateGroup = (plan: GroupPlan): GroupOutcome => {
  const runs: GroupRun[] = [];
  const externals: ExternalRun[] = [];
  const lastTexts: string[] = [];
  const keys: string[] = [];
  let reusedKeys: readonly string[] = [];
  const playMs = plan.actions.reduce((total, [waitMs]) => total + waitMs, 0);
  const endMs = playMs + 3 * SETTLE_MS;
  marbles(
    () => {
      const allowedRooms = new ServedRooms();
      const room = groupRoomFixture({
        allowedRooms,
        seed: `room ${plan.seed}`,
        latencyMs: plan.latencyMs,
        removalRule: plan.removalRule,
        cryptography: plan.cryptography === 'node' ? nodeCryptography : fastCryptography,
      });
      ({ reusedKeys } = room);
      const invite = { epoch: 0, secret: room.inviteSecret };
      const persons = Array.from({ length: plan.persons }, (_, who) => createPerson(room, who, plan));
      keys.push(...persons.map(({ key }) => key));
      const processes = persons.flatMap((person) => person.processes);
      const externalRuns: Subscription[] = [];

      const note = (run: GroupRun, event: ClientEvent) => {
        run.received.push(event);
        if (event.type !== 'invite-changed') return;
        const epoch = epochOf(run);
        if (epoch >= invite.epoch) Object.assign(invite, { epoch, secret: event.secret });
      };

      const start = (person: Person, process: Process, last = 0) => {
        if (process.present !== undefined) return;
        const { who, store } = person;
        const isCreator = who === 0 && store.snapshot === undefined;
        if (isCreator && process !== person.processes[0]) return;
        const rereadTo = last === 0 ? 0 : (store.order?.position ?? 0);
        const run: GroupRun = { who, received: [], sent: [], rereadTo, failure: undefined, stayed: false };
        runs.push(run);
        person.isOut = false;
        const role = isCreator ? room.creator : undefined;
        process.run(run, { role, last, inviteSecret: invite.secret }, (event) => {
          note(run, event);
        });
      };

      const send = ({ client, present }: Process, text: string) => {
        // A client subscribes to the messages once it can seal them.
        if (present === undefined || !client.messages.observed) return;
        present.run.sent.push(text);
        client.messages.next({ lines: [text] });
      };

      let count = 0;
      const sendExternally = (who: number) => {
        const text = `outsider-${who} ${(count += 1)}`;
        const run: ExternalRun = { text, received: [], failure: undefined, isStored: false };
        externals.push(run);
        const subscription = room
          .client(`outsider-${who}-${count}`, FIRST_EXTERNAL_MARK + who)
          .run({ role: { type: 'external' }, inviteSecret: invite.secret, message$: of({ lines: [text] }) })
          // As the command does.
          .pipe(takeWhile(({ type }) => type !== 'stored', true))
          .subscribe({
            next: (event) => {
              run.received.push(event);
              run.isStored ||= event.type === 'stored';
            },
            error: (error: Error) => {
              run.failure = error;
            },
          });
        externalRuns.push(subscription);
      };

      /**
       * Whether each device that was a member is there, in the same epoch. One that missed a commit before the loss has
       * to join again, and can only if it knows a member that signs the group info.
       */
      const areAllEqual = (): boolean => {
        const epochs = persons
          .filter(({ store }) => store.snapshot !== undefined)
          .map(({ processes: [first] }) => (first?.present ? epochOf(first.present.run) : -1));
        return epochs.every((epoch) => epoch >= 0 && epoch === epochs[0]);
      };

      const act = (action: GroupAction) => {
        if (action.do === 'fault') {
          room.relay.inject(action.fault);
          return;
        }
        if (action.do === 'serve') {
          allowedRooms.newRooms = action.newRooms;
          return;
        }
        if (action.do === 'lose logs') {
          if (areAllEqual()) room.loseLogs();
          return;
        }
        if (action.do === 'send') {
          sendExternally(action.who % 2);
          return;
        }
        const process = processes[action.who % processes.length]!;
        const { client, person } = process;
        switch (action.do) {
          case 'start':
            start(person, process, action.last);
            return;
          case 'say':
            send(process, `${client.nick} ${(count += 1)}`);
            return;
          case 'stop':
          case 'crash':
            process.end(action.do === 'crash');
            return;
          case 'remove': {
            const by = processes[action.by % processes.length]!;
            if (by.person !== person) by.client.requests.next({ type: 'remove', key: person.key });
            return;
          }
          case 'leave':
            if (person.who !== 0) client.requests.next({ type: 'leave' });
            return;
          default:
            client.requests.next({ type: action.do });
        }
      };

      const startAll = () => {
        for (const person of persons) {
          const { isOut } = person;
          if (!isOut) for (const process of person.processes) start(person, process);
        }
      };

      start(persons[0]!, processes[0]!);
      let atMs = 0;
      for (const [waitMs, action] of plan.actions) {
        atMs += waitMs;
        timer(atMs).subscribe(() => {
          act(action);
        });
      }
      timer(playMs + 1).subscribe(() => {
        for (const type of ['thaw', 'up'] as const) room.relay.inject({ type });
        room.relay.inject({ type: 'delay', ms: 1 });
        allowedRooms.newRooms = 'open';
        startAll();
      });
      // An invite may have been withdrawn meanwhile.
      timer(playMs + SETTLE_MS).subscribe(startAll);
      timer(playMs + 2 * SETTLE_MS).subscribe(() => {
        for (const process of processes) {
          if (process.present === undefined || !process.client.messages.observed) continue;
          const text = `${process.client.nick} last`;
          lastTexts.push(text);
          send(process, text);
        }
      });
      timer(endMs).subscribe(() => {
        for (const { present } of processes) if (present) present.run.stayed = true;
        for (const process of processes) process.end(true);
        for (const run of externalRuns) run.unsubscribe();
        room.relay.stop();
      });
    },
    { untilMs: endMs + 1 },
  );
  const hasLostLogs = plan.actions.some(([, action]) => action.do === 'lose logs');
  return { runs, externals, keys, lastTexts, hasLostLogs, reusedKeys };
};

/** Returns the epoch that a run reported last, or -1. */
export const epochOf = ({ received }: GroupRun): number =>
  received.findLast((each) => each.type === 'epoch' || each.type === 'resumed')?.epoch ?? -1;

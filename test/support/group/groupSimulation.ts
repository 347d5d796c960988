import type { SnapshotOrder } from '../../../streams/client/group/snapshotOrder.js';
import { defer, EMPTY, finalize, ignoreElements, type Subscription, tap, timer } from 'rxjs';
import type { Fault } from '../../../src/testing/fakeRelay.js';
import type { ClientEvent } from '../../../streams/client/index.js';
import { marbles } from '../marbles.js';
import { type GroupClient, groupRoomFixture } from './groupClients.js';

/** What happens in a group room. `who` is the index of a person; person 0 creates the room. */
export type GroupAction =
  | {
      readonly do: 'start' | 'say' | 'stop' | 'crash' | 'remove' | 'rotate' | 'renew' | 'leave';
      readonly who: number;
    }
  | { readonly do: 'fault'; readonly fault: Fault };

export interface GroupPlan {
  readonly persons: number;
  /** How long a store of a snapshot takes, in ms. */
  readonly saveMs: number;
  readonly latencyMs: number;
  readonly seed: number;
  /** Each with the time that passes before it, in ms. */
  readonly actions: readonly (readonly [waitMs: number, action: GroupAction])[];
}

/** One run of the client of a person, from its start to its end. */
export interface GroupRun {
  readonly who: number;
  readonly received: ClientEvent[];
  readonly sent: string[];
  failure: Error | undefined;
  /** Whether it ran until the end of the simulation. */
  stayed: boolean;
}

export interface GroupOutcome {
  readonly runs: readonly GroupRun[];
  readonly keys: readonly string[];
  /** The last message of each person that was there at the end. */
  readonly lastTexts: readonly string[];
}

interface Stored {
  readonly snapshot: Uint8Array | undefined;
  readonly order: SnapshotOrder | undefined;
  readonly slotRecord: Uint8Array | undefined;
}

interface Person {
  readonly client: GroupClient;
  /** What a crash cannot lose. */
  durable: Stored;
  present: { readonly run: GroupRun; readonly subscription: Subscription } | undefined;
  isCrashing: boolean;
  /** Whether it was removed, or left. It comes back only by an action `start`. */
  isOut: boolean;
}

/** How long the clients have at the end to connect and to become quiet, twice, in ms. */
const SETTLE_MS = 120_000;

/** Plays a plan on virtual time. At the end the relay works, and everybody that was not removed is there. */
export const simulateGroup = (plan: GroupPlan): GroupOutcome => {
  const runs: GroupRun[] = [];
  const lastTexts: string[] = [];
  const keys: string[] = [];
  const playMs = plan.actions.reduce((total, [waitMs]) => total + waitMs, 0);
  const endMs = playMs + 3 * SETTLE_MS;
  marbles(
    () => {
      const room = groupRoomFixture({ seed: `room ${plan.seed}`, latencyMs: plan.latencyMs });
      const invite = { epoch: 0, secret: room.inviteSecret };
      const persons = Array.from({ length: plan.persons }, (_, who): Person => {
        const client = room.client(`person-${who}`, who + 1);
        keys.push(client.key);
        const durable = { snapshot: undefined, order: undefined, slotRecord: undefined };
        return { client, durable, present: undefined, isCrashing: false, isOut: false };
      });

      const storedOf = ({ stored, order, slotRecord }: GroupClient): Stored => ({
        snapshot: stored,
        order,
        slotRecord,
      });
      const saveOf = (person: Person) =>
        defer(() => {
          const stored = storedOf(person.client);
          const keep = () => {
            if (!person.isCrashing) person.durable = stored;
          };
          if (plan.saveMs > 0) return timer(plan.saveMs).pipe(ignoreElements(), tap({ complete: keep }));
          keep();
          return EMPTY;
        });

      const note = (run: GroupRun, event: ClientEvent) => {
        run.received.push(event);
        if (event.type !== 'invite-changed') return;
        const epoch = epochOf(run);
        if (epoch >= invite.epoch) Object.assign(invite, { epoch, secret: event.secret });
      };

      const start = (person: Person, who: number) => {
        if (person.present !== undefined) return;
        const run: GroupRun = { who, received: [], sent: [], failure: undefined, stayed: false };
        runs.push(run);
        person.isOut = false;
        Object.assign(person.client, {
          stored: person.durable.snapshot,
          order: person.durable.order,
          slotRecord: person.durable.slotRecord,
        });
        const subscription = person.client
          .run({
            ...(who === 0 && { role: room.creator }),
            save$: saveOf(person),
            inviteSecret: invite.secret,
          })
          .pipe(
            finalize(() => {
              person.present = undefined;
              // A process that ends by itself stores what it read.
              if (!person.isCrashing) person.durable = storedOf(person.client);
            }),
          )
          .subscribe({
            next: (event) => {
              note(run, event);
            },
            error: (error: Error) => {
              run.failure = error;
              person.isOut = error.name === 'RemovedError';
            },
          });
        person.present = subscription.closed ? undefined : { run, subscription };
      };

      const end = (person: Person, isCrashing: boolean) => {
        person.isCrashing = isCrashing;
        person.present?.subscription.unsubscribe();
        person.isCrashing = false;
      };

      const send = ({ client, present }: Person, text: string) => {
        // A client subscribes to the messages once it can seal them.
        if (present === undefined || !client.messages.observed) return;
        present.run.sent.push(text);
        client.messages.next({ lines: [text] });
      };

      let count = 0;
      const act = (action: GroupAction) => {
        if (action.do === 'fault') {
          room.relay.inject(action.fault);
          return;
        }
        const person = persons[action.who % persons.length]!;
        const who = persons.indexOf(person);
        switch (action.do) {
          case 'start':
            start(person, who);
            return;
          case 'say':
            send(person, `${person.client.nick} ${(count += 1)}`);
            return;
          case 'stop':
          case 'crash':
            end(person, action.do === 'crash');
            return;
          case 'remove':
            if (who !== 0) persons[0]!.client.requests.next({ type: 'remove', key: person.client.key });
            return;
          case 'leave':
            if (who !== 0) person.client.requests.next({ type: 'leave' });
            return;
          default:
            person.client.requests.next({ type: action.do });
        }
      };

      const startAll = () => {
        for (const [who, person] of persons.entries()) if (!person.isOut) start(person, who);
      };

      start(persons[0]!, 0);
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
        startAll();
      });
      // An invite may have been withdrawn meanwhile.
      timer(playMs + SETTLE_MS).subscribe(startAll);
      timer(playMs + 2 * SETTLE_MS).subscribe(() => {
        for (const person of persons) {
          if (person.present === undefined || !person.client.messages.observed) continue;
          const text = `${person.client.nick} last`;
          lastTexts.push(text);
          send(person, text);
        }
      });
      timer(endMs).subscribe(() => {
        for (const { present } of persons) if (present) present.run.stayed = true;
        for (const person of persons) end(person, true);
        room.relay.stop();
      });
    },
    { untilMs: endMs + 1 },
  );
  return { runs, keys, lastTexts };
};

/** Returns the epoch that a run reported last, or -1. */
export const epochOf = ({ received }: GroupRun): number =>
  received.findLast((each) => each.type === 'epoch' || each.type === 'resumed')?.epoch ?? -1;

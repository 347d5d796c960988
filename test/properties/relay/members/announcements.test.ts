import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { concatMap, from, map, timer } from 'rxjs';
import { Announcements } from '../../../../streams/relay/members/announcements.js';
import { type Announced, presence, type PresenceInput } from '../../../../streams/relay/members/presence.js';
import type { Announcement } from '../../../../streams/wire/entry.js';
import { marbles } from '../../../support/marbles.js';

/** Events arrive at multiples of 100 ms, so no interval ends at the time of an event. */
const COALESCE_MS = 501;

/** What a nick does, some ms after the previous one did something. It joins if it is absent. */
interface Step {
  readonly afterMs: number;
  readonly nick: string;
  readonly does: 'tokens' | 'left';
  /** How many plans for this event another relay's batch makes void. */
  readonly voidPlans: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    afterMs: fc.constantFrom(0, 0, 100, 300, 600, 900),
    nick: fc.constantFrom('alice', 'bob', 'carol', 'dave'),
    does: fc.constantFrom('tokens' as const, 'left' as const),
    voidPlans: fc.nat({ max: 2 }),
  }),
  { maxLength: 40, size: 'max' },
);

interface TimedEvent extends Pick<Step, 'afterMs' | 'voidPlans'> {
  readonly event: PresenceInput;
}

const eventsOf = (all: readonly Step[]): TimedEvent[] => {
  const here = new Set<string>();
  return all.map(({ afterMs, voidPlans, nick, does }) => {
    const member = { nick };
    if (!here.has(nick)) {
      here.add(nick);
      const event = { type: 'joined' as const, member, resumed: false, count: here.size };
      return { afterMs, voidPlans, event };
    }
    if (does === 'left') here.delete(nick);
    return { afterMs, voidPlans, event: { type: does, member } };
  });
};

type Output = PresenceInput | Announced;

/** Runs the operator, in virtual time. */
const runOperator = (events: readonly TimedEvent[]): Output[] => {
  const outputs: Output[] = [];
  marbles(() => {
    from(events)
      .pipe(
        concatMap(({ afterMs, event }) => timer(afterMs).pipe(map(() => event))),
        presence<PresenceInput>({ coalesceMs: COALESCE_MS }),
      )
      .subscribe((output) => outputs.push(output));
  });
  return outputs;
};

/** Plans each event on copies, and throws some of them away. */
const runOnCopies = (events: readonly TimedEvent[]): Output[] => {
  const outputs: Output[] = [];
  let announcements = new Announcements();
  let nickCount = 0;
  let nowMs = 0;
  let intervalEndsMs = Infinity;

  const plan = (voidPlans: number, decide: (copy: Announcements) => Announcement[]): Announced[] => {
    for (let n = 0; n < voidPlans; n += 1) decide(announcements.copy());
    announcements = announcements.copy();
    return decide(announcements).map((announcement) => ({ type: 'announced', announcement }));
  };
  const flushIf = (copy: Announcements, isDue: boolean) => (isDue ? copy.flush(nickCount) : []);

  for (const { afterMs, voidPlans, event } of events) {
    nowMs += afterMs;
    while (intervalEndsMs < nowMs) {
      const nextMs = intervalEndsMs + COALESCE_MS;
      const announced = plan(voidPlans, (copy) => {
        const isNext = copy.endInterval();
        intervalEndsMs = isNext ? nextMs : Infinity;
        return flushIf(copy, isNext);
      });
      outputs.push(...announced);
    }
    const { type, member } = event;
    if (type === 'tokens') {
      outputs.push(...plan(voidPlans, (copy) => flushIf(copy, copy.hasPendingJoin(member.nick))), event);
      continue;
    }
    nickCount = type === 'joined' ? event.count : nickCount - 1;
    const announced = plan(voidPlans, (copy) => {
      if (type === 'joined') copy.addJoin(member.nick);
      else copy.addLeave(member.nick);
      const isFirst = copy.beginInterval();
      if (isFirst) intervalEndsMs = nowMs + COALESCE_MS;
      return flushIf(copy, isFirst);
    });
    outputs.push(event, ...announced);
  }
  return [...outputs, ...plan(0, (copy) => copy.flush(nickCount))];
};

describe('announcements that are planned on copies, some of which are thrown away', () => {
  test('equal those of the operator `presence`', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const events = eventsOf(all);
        expect(runOnCopies(events)).toStrictEqual(runOperator(events));
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test('tell a reader who speaks before it speaks, each change once, and in the end who is present', () => {
    let messages = 0;
    fc.assert(
      fc.property(steps, (all) => {
        const present = new Set<string>();
        const announced = new Set<string>();
        const wrong: Output[] = [];
        for (const output of runOnCopies(eventsOf(all))) {
          if (output.type === 'announced') {
            const { type, nicks } = output.announcement;
            for (const nick of nicks) {
              if (announced.has(nick) === (type === 'joined')) wrong.push(output);
              if (type === 'joined') announced.add(nick);
              else announced.delete(nick);
            }
          } else if (output.type === 'tokens') {
            messages += 1;
            if (!announced.has(output.member.nick)) wrong.push(output);
          } else if (output.type === 'joined') present.add(output.member.nick);
          else present.delete(output.member.nick);
        }
        expect(wrong).toStrictEqual([]);
        expect([...announced].sort()).toStrictEqual([...present].sort());
      }),
      { numRuns: 300, seed: 2 },
    );
    expect(messages).toBeGreaterThan(0);
  });
});

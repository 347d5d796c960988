import type { ClientEvent } from '../../../streams/client/clientEvent.js';
import { type Misbehaviour, type Detection } from './cases.js';
import { hostileRoom } from './hostileRoom.js';

export { MISBEHAVIOURS } from './cases.js';

/** The outcome of an attack. */
export interface Outcome {
  /** Detections by bob since the attack began. */
  readonly signs: readonly Detection[];
  /** Detections before the attack, which are false alarms. */
  readonly before: readonly Detection[];
  readonly noticed: boolean;
  /** Whether bob was shown a forged message, or a message twice. */
  readonly acceptedForgery: boolean;
  /** Whether bob was shown the later messages of honest members. */
  readonly deliveredHonest: boolean;
}

const detectionsIn = (events: readonly ClientEvent[]): Detection[] =>
  events.flatMap((each) => {
    if (each.type === 'alarm') return [each.reason];
    return each.type === 'key-changed' || each.type === 'undecryptable' ? [each.type] : [];
  });

/** Runs an attack once in a conversation that depends on the seed only, then continues the conversation. */
export const runMisbehaviour = (
  { summarize: notify, signs: expected, mayShowForged = false, ...misbehaviour }: Misbehaviour,
  seed: number,
): Outcome => {
  const room = hostileRoom({ ...misbehaviour.scene, seed });
  const { alice, bob, carol } = room;
  try {
    const earlier = bob.events.length;
    notify(room);
    const present = room.members.find(({ nick }) => nick === alice.nick) ?? alice;
    const honest = [carol, present, carol, present].map((who, n) => {
      const text = `honest ${n}`;
      room.sendAndDeliver(who, text);
      return text;
    });
    const signs = detectionsIn(bob.events.slice(earlier));
    const texts = bob.events.flatMap((each) => (each.type === 'message' ? [each.text] : []));
    return {
      signs,
      before: detectionsIn(bob.events.slice(0, earlier)),
      noticed: signs.some((sign) => expected.includes(sign)),
      acceptedForgery:
        new Set(texts).size < texts.length ||
        (!mayShowForged && texts.some((text) => text.startsWith('forged'))),
      deliveredHonest: honest.every((text) => texts.includes(text)),
    };
  } finally {
    room.dispose();
  }
};

/** The number of attempts with each outcome. */
export interface OutcomeCounts {
  readonly tried: number;
  readonly noticed: number;
  readonly acceptedForgery: number;
  readonly deliveredHonest: number;
  /** Attempts with an alarm before the attack. */
  readonly falseAlarms: number;
}

/** Runs an attack many times and counts the outcomes. */
export const countOutcomes = (misbehaviour: Misbehaviour, times: number, seed: number): OutcomeCounts => {
  const outcomes = Array.from({ length: times }, (_, n) => runMisbehaviour(misbehaviour, seed + n));
  const count = (is: (outcome: Outcome) => boolean) => outcomes.filter(is).length;
  return {
    tried: times,
    noticed: count(({ noticed }) => noticed),
    acceptedForgery: count(({ acceptedForgery }) => acceptedForgery),
    deliveredHonest: count(({ deliveredHonest }) => deliveredHonest),
    falseAlarms: count(({ before }) => before.length > 0),
  };
};

import type { Heard } from '../../../streams/client/conversation.js';
import { type Lie, type Sign } from './lies.js';
import { scene } from './scene.js';

export { LIES } from './lies.js';

/** What became of a lie. */
export interface Outcome {
  /** What bob has noticed, from the lie on. */
  readonly signs: readonly Sign[];
  /** The same before the lie, where nobody had lied yet. */
  readonly before: readonly Sign[];
  readonly noticed: boolean;
  /** Bob was shown something as said that was not, or twice. */
  readonly fooled: boolean;
  /** Bob was shown what honest people said later. */
  readonly wentOn: boolean;
}

const signsOf = (heard: readonly Heard[]): Sign[] =>
  heard.flatMap((each) => {
    if (each.type === 'alarm') return [each.reason];
    return each.type === 'key-changed' || each.type === 'undecryptable' ? [each.type] : [];
  });

/** Tells bob a lie once, in a conversation that is the same for the same seed, and goes on with it. */
export const tellLie = (
  { tell, signs: expected, mayShowForged = false, ...lie }: Lie,
  seed: number,
): Outcome => {
  const room = scene({ ...lie.scene, seed });
  const { alice, bob, carol } = room;
  try {
    const earlier = bob.heard.length;
    tell(room);
    const present = room.people.find(({ nick }) => nick === alice.nick) ?? alice;
    const honest = [carol, present, carol, present].map((who, n) => {
      const text = `honest ${n}`;
      room.talk(who, text);
      return text;
    });
    const signs = signsOf(bob.heard.slice(earlier));
    const texts = bob.heard.flatMap((each) => (each.type === 'message' ? [each.text] : []));
    return {
      signs,
      before: signsOf(bob.heard.slice(0, earlier)),
      noticed: signs.some((sign) => expected.includes(sign)),
      fooled:
        new Set(texts).size < texts.length ||
        (!mayShowForged && texts.some((text) => text.startsWith('forged'))),
      wentOn: honest.every((text) => texts.includes(text)),
    };
  } finally {
    room.end();
  }
};

/** How often something was so. */
export interface Count {
  readonly tried: number;
  readonly noticed: number;
  readonly fooled: number;
  readonly wentOn: number;
  /** There was an alarm before anybody lied. */
  readonly falseAlarms: number;
}

/** Counts what becomes of a lie that is told so many times. */
export const countLie = (lie: Lie, times: number, seed: number): Count => {
  const outcomes = Array.from({ length: times }, (_, n) => tellLie(lie, seed + n));
  const count = (is: (outcome: Outcome) => boolean) => outcomes.filter(is).length;
  return {
    tried: times,
    noticed: count(({ noticed }) => noticed),
    fooled: count(({ fooled }) => fooled),
    wentOn: count(({ wentOn }) => wentOn),
    falseAlarms: count(({ before }) => before.length > 0),
  };
};

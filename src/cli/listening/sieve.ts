import type { Heard } from '../../../streams/index.js';
import type { Start } from './start.js';

export interface SieveOptions extends Pick<Start, 'since' | 'taken'> {
  /** The key of messages to leave out. */
  readonly without: string | undefined;
}

/** Something that is heard, and whether it is to be delivered. */
export interface Sifted {
  readonly heard: Heard;
  readonly isWanted: boolean;
}

/** What has no time of its own, and so is as old as what comes after it. */
const TIMELESS: readonly Heard['type'][] = ['undecryptable', 'joined', 'left'];

/**
 * Tells what is wanted of what is heard: not what was taken before, not what a key said, and nothing before the first
 * message that is new enough by its sender's clock. What is said from now on is wanted, whatever clock it has.
 */
export const sieve = ({ since, taken, without }: SieveOptions): ((heard: Heard) => readonly Sifted[]) => {
  let begun = since === undefined;
  let end: number | undefined;
  /** What is missing may have been new enough: that is known once it is known what came after it. */
  let gap: Heard | undefined;
  let skipped = taken;

  const begin = (): readonly Sifted[] => {
    begun = true;
    return gap === undefined ? [] : [{ heard: gap, isWanted: true }];
  };

  const look = (heard: Heard): boolean => {
    if (heard.type !== 'message') return begun || !TIMELESS.includes(heard.type);
    const { position, index, key } = heard;
    if (skipped?.position === position - 1 && index < skipped.lines) return false;
    return begun && key !== without;
  };

  return (heard) => {
    if (heard.type === 'log-changed') skipped = undefined;
    if (begun) return [{ heard, isWanted: look(heard) }];

    if (heard.type === 'welcome') end ??= heard.next;
    if (heard.type === 'gap') {
      gap = heard;
      return heard.to + 1 >= (end ?? 0) ? begin() : [{ heard, isWanted: false }];
    }
    const isLive =
      (heard.type === 'message' || heard.type === 'joined' || heard.type === 'left') &&
      heard.position >= (end ?? 0);
    const isNew = isLive || (heard.type === 'message' && heard.time >= (since ?? 0));
    const isEmpty = heard.type === 'welcome' && heard.from >= heard.next;
    const before = isNew || isEmpty ? begin() : [];
    if (heard.type === 'message') gap = undefined;
    return [...before, { heard, isWanted: look(heard) }];
  };
};

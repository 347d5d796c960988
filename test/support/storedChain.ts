import { formatBatch } from '../../streams/relay/cluster/batch.js';
import type { Anchor } from '../../streams/relay/cluster/findAnchor.js';
import { encodeText } from '../../streams/wire/encoding.js';
import type { FakeEngine } from './fakeLedger.js';
import { roomBatch } from './roomBatches.js';

export interface StoredChainOptions {
  readonly engine: FakeEngine;
  readonly room: string;
  /** Returns a whole number from 0 to below `n`. */
  readonly below: (n: number) => number;
  readonly batches: number;
  /** Whether void, damaged and foreign records are between the valid ones. */
  readonly hasVoids: boolean;
  /** Length of a line. */
  readonly lineLength?: number;
}

export interface StoredChain {
  /** The entries; the first one is at position 1. */
  readonly lines: readonly string[];
  /** The anchors after each valid batch. */
  readonly anchors: readonly Anchor[];
}

/** Stores the batches of a log as relays that race do: between the valid ones are late ones, which are void. */
export const storeChain = (options: StoredChainOptions): StoredChain => {
  const { engine, room, below, batches, hasVoids, lineLength = 1 } = options;
  const lines: string[] = [];
  const anchors: Anchor[] = [{ tail: 0, next: 1 }];

  const textsOf = (kind: string) =>
    Array.from({ length: below(5) }, (_, n) => `${kind}${lines.length + n + 1}`.padEnd(lineLength, '.'));
  const storeAfter = ({ tail, next }: Anchor, texts: readonly string[]) =>
    engine.store(room, formatBatch(roomBatch(texts, { previous: tail, first: next })));

  const storeOther = () => {
    switch (below(6)) {
      case 0:
        engine.store(room, encodeText('not a batch'));
        return;
      case 1:
        engine.store(
          room,
          formatBatch(roomBatch(textsOf('foreign'), { log: 'other', first: 1 + below(500) })),
        );
        return;
      case 2:
        engine.store('another room', encodeText('x'));
        return;
      default:
        // A writer that is late by a few batches, or by very many.
        storeAfter(
          anchors.at(-2 - below(below(3) === 0 ? 200 : 5)) ?? (anchors[0] as Anchor),
          textsOf('void'),
        );
    }
  };

  for (let n = 0; n < batches; n += 1) {
    const texts = textsOf('line');
    const tail = storeAfter(anchors.at(-1) as Anchor, texts);
    lines.push(...texts);
    anchors.push({ tail, next: lines.length + 1 });
    if (hasVoids) for (let others = below(4); others > 0; others -= 1) storeOther();
  }
  return { lines, anchors };
};

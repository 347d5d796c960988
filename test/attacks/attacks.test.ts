import { expect, test } from '@jest/globals';

interface Attacks {
  readonly names: readonly string[];
  /** Rejects if the attack succeeds. */
  readonly attack: (name: string) => Promise<{ readonly seen: string }>;
}

// The programs know only docs/protocol.md and the command, so they are not part of the product's types.
const { names, attack } = (await import(new URL('run.mjs', import.meta.url).href)) as Attacks;

test.each(names)(
  'the attack %s fails',
  async (name) => {
    expect((await attack(name)).seen).not.toBe('');
  },
  300_000,
);

/**
 * What messages cost in one process: signed, sealed, opened and verified a second, a line a token and batched as `send`
 * does it for a pipe. The steps alone, and the operators `seal` and `open` whole. All ways in turn; prints medians in
 * Markdown.
 *
 *   npm run bench:envelope -- [--rounds N] [--ms N]
 */
import { parseArgs } from 'node:util';
import { from, of } from 'rxjs';
import { createIdentity, deriveRoomKeys, nodeCipher, npmCipher, verifySignature } from '../dist/src/index.js';
import { encodeText, lines, open, pack, seal } from '../dist/streams/index.js';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, ms: { type: 'string', default: '400' } },
});
const rounds = Number(values.rounds);
const ms = Number(values.ms);
if (!(rounds >= 1 && ms >= 1)) throw new Error('--rounds and --ms need numbers from 1 on');

const LINE = 'fifty characters, as many as a line of a chat have';
const identity = createIdentity();
const { room, fernetKey } = deriveRoomKeys(new Uint8Array(32).fill(7));
const keyring$ = of({ seal: fernetKey, open: [fernetKey] });

/** All that comes out, or whatever went wrong. */
const collect = (stream$) => {
  const all = [];
  stream$.subscribe({
    next: (each) => all.push(each),
    error: (error) => {
      throw error;
    },
  });
  return all;
};

const [batch] = collect(of(encodeText(`${LINE}\n`.repeat(2000))).pipe(lines(), pack()));
const kinds = { 'a line a token': { lines: [LINE] }, batched: batch };

/** The steps for one kind of message, each as what it does once. */
const stepsOf = (say, cipher) => {
  const sealing = { keyring$, cipher, identity, nick: 'alice', room, run: 'A'.repeat(22), now: Date.now };
  const opening = { keyring$, cipher, verify: verifySignature, room };
  const [{ token }] = collect(of(say).pipe(seal(sealing)));
  const plaintext = cipher.open(fernetKey, token);
  if (typeof plaintext === 'string') throw new Error(plaintext);
  const signature = identity.sign(plaintext);
  const must = (holds) => {
    if (!holds) throw new Error('what was made does not hold');
  };
  // Many at a time, so that the start of a stream does not count.
  const MANY = 20;
  const says = Array.from({ length: MANY }, () => say);
  const entries = Array.from({ length: MANY }, (_, n) => ({ type: 'token', position: n + 1, token }));
  return {
    signed: [1, () => must(identity.sign(plaintext).length === 86)],
    'sealed (Fernet alone)': [1, () => must(cipher.seal(fernetKey, plaintext, 0).length === token.length)],
    'opened (Fernet alone)': [1, () => must(typeof cipher.open(fernetKey, token) !== 'string')],
    verified: [1, () => must(verifySignature(identity.key, plaintext, signature))],
    'seal: encoded, signed, sealed': [
      MANY,
      () => must(collect(from(says).pipe(seal(sealing))).length === MANY),
    ],
    'open: opened, decoded, verified': [
      MANY,
      () => must(collect(from(entries).pipe(open(opening))).every(({ type }) => type === 'opened')),
    ],
  };
};

const ways = [];
for (const [engine, cipher] of Object.entries({ node: nodeCipher(), fernet: await npmCipher() }))
  for (const [kind, say] of Object.entries(kinds))
    for (const [step, [times, once]] of Object.entries(stepsOf(say, cipher))) {
      // Signatures are the same with either engine.
      if (engine === 'fernet' && /^signed|^verified/.test(step)) continue;
      ways.push({ engine, kind, step, lines: say.lines.length, times, once, rates: [] });
    }

for (let round = -1; round < rounds; round += 1)
  for (const { times, once, rates } of ways) {
    const began = performance.now();
    let done = 0;
    while (performance.now() - began < ms) {
      once();
      done += times;
    }
    if (round >= 0) rates.push((1000 * done) / (performance.now() - began));
  }

const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
const count = (n) => Math.round(n).toLocaleString('en');
console.log(`lines of ${LINE.length} characters, ${batch.lines.length} in a batch; medians of ${rounds}\n`);
console.log('| engine | what | tokens/s, a line each | tokens/s, batched | lines/s, batched |');
console.log('| --- | --- | --: | --: | --: |');
for (const { engine, kind, step, rates } of ways) {
  if (kind !== 'a line a token') continue;
  const batched = ways.find((way) => way.engine === engine && way.step === step && way.kind !== kind);
  const cells = [median(rates), median(batched.rates), median(batched.rates) * batched.lines].map(count);
  console.log(`| ${engine} | ${step} | ${cells.join(' | ')} |`);
}

/**
 * Measures how many messages one process signs, seals, opens and verifies per second. Messages have one line per
 * token, or are batched as by `send` in a pipe. Measures the steps alone, and the operators `seal` and `open`. All
 * variants run in turn. Prints medians in Markdown.
 *
 *   npm run bench:envelope -- [--rounds N] [--ms N]
 */
import { parseArgs } from 'node:util';
import { from, of } from 'rxjs';
import { createIdentity, deriveRoomKeys, nodeCipher, npmCipher, verifySignature } from '../dist/src/index.js';
import { encodeText, lines, open, batchLines, seal } from '../dist/streams/index.js';

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

/** Collects what a stream emits, or throws its error. */
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

const [batch] = collect(of(encodeText(`${LINE}\n`.repeat(2000))).pipe(lines(), batchLines()));
const kinds = { 'a line a token': { lines: [LINE] }, batched: batch };

/** Returns the steps for one kind of message; each processes one message. */
const stepsOf = (message, cipher) => {
  const sealing = {
    keyring$,
    cipher,
    identity,
    nick: 'alice',
    room,
    senderSession: 'A'.repeat(22),
    now: Date.now,
  };
  const opening = { keyring$, cipher, verify: verifySignature, room };
  const [{ token }] = collect(of(message).pipe(seal(sealing)));
  const plaintext = cipher.open(fernetKey, token);
  if (typeof plaintext === 'string') throw new Error(plaintext);
  const signature = identity.sign(plaintext);
  const must = (holds) => {
    if (!holds) throw new Error('what was made does not hold');
  };
  // Many messages at a time, so that the start of a stream does not count.
  const MANY = 20;
  const messages = Array.from({ length: MANY }, () => message);
  const entries = Array.from({ length: MANY }, (_, n) => ({ type: 'token', position: n + 1, token }));
  return {
    signed: [1, () => must(identity.sign(plaintext).length === 86)],
    'sealed (Fernet alone)': [1, () => must(cipher.seal(fernetKey, plaintext, 0).length === token.length)],
    'opened (Fernet alone)': [1, () => must(typeof cipher.open(fernetKey, token) !== 'string')],
    verified: [1, () => must(verifySignature(identity.key, plaintext, signature))],
    'seal: encoded, signed, sealed': [
      MANY,
      () => must(collect(from(messages).pipe(seal(sealing))).length === MANY),
    ],
    'open: opened, decoded, verified': [
      MANY,
      () => must(collect(from(entries).pipe(open(opening))).every(({ type }) => type === 'opened')),
    ],
  };
};

const ways = [];
for (const [engine, cipher] of Object.entries({ node: nodeCipher(), fernet: await npmCipher() }))
  for (const [kind, message] of Object.entries(kinds))
    for (const [step, [times, once]] of Object.entries(stepsOf(message, cipher))) {
      // Both engines sign in the same way.
      if (engine === 'fernet' && /^signed|^verified/.test(step)) continue;
      ways.push({ engine, kind, step, lines: message.lines.length, times, once, rates: [] });
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

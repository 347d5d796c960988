import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCipher } from '../../src/crypto/nodeCipher.js';
import { deriveRoomKeys } from '../../src/crypto/roomKeys.js';
import { createIdentity } from '../../src/crypto/signingKey.js';
import { createInvite } from '../../src/invite/invite.js';
import { openSpool, type Spool } from '../../src/cli/spool.js';
import { encodeEnvelope } from '../../streams/client/envelope.js';
import type { Heard } from '../../streams/client/conversation.js';
import { welcome } from '../support/heard.js';
import { envelope } from '../support/people.js';

const invite = createInvite();
const { room, fernetKey } = deriveRoomKeys(invite.secret);
const identity = createIdentity();

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rxchat-spool-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

let counter = 0;
const said = (...lines: string[]): Extract<Heard, { type: 'said' }> => {
  counter += 1;
  const each = envelope({ lines, room, key: identity.key, counter });
  const token = nodeCipher().seal(fernetKey, encodeEnvelope(each, identity), 0);
  return { type: 'said', lines, token, bytes: token.length + 1 };
};
const storedOf = (each: Extract<Heard, { type: 'said' }>): Heard => ({
  ...each,
  type: 'stored',
  position: 5,
});

const files = (): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
/** As if the run that wrote it had ended: there is no process 4194305 anywhere. */
const orphan = (): void => {
  for (const file of files()) renameSync(file, file.replace(/\d+-([\w-]+\.json)$/, '4194305-$1'));
};
const restoredLines = ({ said: restored }: Spool) => restored.map(({ lines }) => lines);

describe('a spool', () => {
  test('keeps what has no receipt, and nothing else, in a file that only its owner reads', () => {
    const spool = openSpool(dir, invite, 'alice');
    const [first, second] = [said('one'), said('two', 'three')];
    for (const each of [first, second, storedOf(first)]) spool.take(each);
    spool.save();
    expect(spool.count).toBe(2);
    const [file = ''] = files();
    expect(files()).toHaveLength(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain(second.token);
    expect(readFileSync(file, 'utf8')).not.toMatch(/two|three/);
    spool.take(storedOf(second));
    spool.save();
    expect(files()).toStrictEqual([]);
  });

  test('goes on where an ended run was: its session, its position, its tokens in their order', () => {
    const ended = openSpool(dir, invite, 'alice');
    const tokens = [said('one'), said('two')];
    for (const each of [welcome({ log: 'L', from: 7 }), ...tokens]) ended.take(each);
    ended.take({ type: 'gap', from: 7, to: 9 });
    ended.save();
    orphan();
    const spool = openSpool(dir, invite, 'alice');
    expect(spool.session).toBe(ended.session);
    expect(spool.after).toStrictEqual({ log: 'L', n: 9 });
    expect(spool.said).toStrictEqual(tokens);
    // Said again by the conversation; they are not to be kept twice.
    for (const each of tokens) spool.take(each);
    expect(spool.count).toBe(2);
  });

  test('what it took over stays on disk, though this run never comes as far as the room', () => {
    const ended = openSpool(dir, invite, 'alice');
    ended.take(said('one'));
    ended.save();
    orphan();
    openSpool(dir, invite, 'alice').save();
    orphan();
    expect(restoredLines(openSpool(dir, invite, 'alice'))).toStrictEqual([['one']]);
  });

  test('what was not even said is kept too, sealed', () => {
    const spool = openSpool(dir, invite, 'alice');
    spool.add({ lines: ['later'] });
    spool.save();
    expect(
      files()
        .map((file) => readFileSync(file, 'utf8'))
        .join(),
    ).not.toMatch(/later/);
    orphan();
    expect(restoredLines(openSpool(dir, invite, 'alice'))).toStrictEqual([['later']]);
  });

  test('takes 64 MiB of what was not even said, and leaves the rest', () => {
    const spool = openSpool(dir, invite, 'alice');
    // Each is a token of 64 KiB, near enough.
    for (let n = 0; n < 1100; n += 1) spool.add({ lines: ['x'.repeat(48_500)] });
    expect(spool.count).toBeGreaterThan(1000);
    expect(spool.count).toBeLessThan(1050);
  });

  test('leaves alone what belongs to a run that goes on, or to another room', () => {
    const other = openSpool(dir, createInvite(), 'alice');
    other.add({ lines: ['elsewhere'] });
    other.save();
    orphan();
    const running = openSpool(dir, invite, 'alice');
    running.take(said('mine'));
    running.save();
    for (const file of files().filter((each) => !each.includes('4194305')))
      renameSync(file, file.replace(/\d+-([\w-]+\.json)$/, `${process.ppid}-$1`));
    expect(openSpool(dir, invite, 'alice').said).toStrictEqual([]);
    expect(files()).toHaveLength(2);
  });

  test.each(['', '{', '{"v":1}', '[]', '{"v":1,"session":"x","tokens":["gAAAA"]}'])(
    'a file that is no spool (%p) stops nobody, and is not lost',
    (text) => {
      const spool = openSpool(dir, invite, 'alice');
      spool.add({ lines: ['x'] });
      spool.save();
      orphan();
      for (const file of files()) writeFileSync(file, text);
      expect(openSpool(dir, invite, 'alice').said).toStrictEqual([]);
      expect(files()).toHaveLength(1);
    },
  );
});

import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Token } from '../../streams/client/cipher.js';
import { asFernetKey } from '../../streams/client/keyring.js';
import { nodeCipher } from '../../src/crypto/nodeCipher.js';
import { readToken } from '../../src/crypto/tokenShape.js';
import { engines, plain, told } from '../support/fernet.js';

/** Opens what it is given and seals the same text anew, at another time. */
const SCRIPT = `
import json, sys
from cryptography.fernet import Fernet
answers = []
for case in json.load(sys.stdin):
    fernet = Fernet(case["key"])
    text = fernet.decrypt(case["token"]).decode()
    answers.append({
        "text": text,
        "time": fernet.extract_timestamp(case["token"]),
        "token": fernet.encrypt_at_time(text.encode(), case["time"] + 60).decode(),
    })
json.dump(answers, sys.stdout)
`;

interface Answer {
  readonly text: string;
  readonly time: number;
  readonly token: Token;
}

const python = (script: string, input: unknown) =>
  spawnSync('python3', ['-c', script], { input: JSON.stringify(input), encoding: 'utf8' });

const there = python('import cryptography.fernet', []).status === 0;
if (!there)
  console.warn('SKIPPED: python3 has no cryptography here, so no foreign implementation of Fernet was asked');

(there ? test : test.skip)('python3 cryptography opens our tokens, and every engine opens its', () => {
  const drawn = fc.sample(
    fc.record({
      key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      text: fc.string({ unit: 'grapheme', maxLength: 400 }),
      time: fc.integer({ min: 60, max: 2 ** 33 }),
    }),
    100,
  );
  const cases = drawn.flatMap(({ key, text, time }) =>
    engines.map(([, cipher]) => ({
      key: asFernetKey(key),
      text,
      time,
      token: cipher.seal(asFernetKey(key), plain(text), time),
    })),
  );
  const { stdout, stderr, status } = python(
    SCRIPT,
    cases.map(({ key, ...rest }) => ({ ...rest, key: `${Buffer.from(key).toString('base64url')}=` })),
  );
  expect({ stderr, status }).toStrictEqual({ stderr: '', status: 0 });

  const answers = JSON.parse(stdout) as Answer[];
  expect(answers).toHaveLength(cases.length);
  answers.forEach((answer, at) => {
    const { key, text, time } = cases[at]!;
    expect(answer).toMatchObject({ text, time });
    expect(readToken(answer.token)?.time).toBe(time + 60);
    for (const [, cipher] of engines) expect(told(cipher.open(key, answer.token))).toBe(`text: ${text}`);
  });
});

(there ? test : test.skip)('python3 cryptography does not open ours with another key', () => {
  const token = nodeCipher().seal(asFernetKey(new Uint8Array(32)), plain('x'), 60);
  const { status, stderr } = python(SCRIPT, [{ key: `${'B'.repeat(42)}A=`, token, time: 0 }]);
  expect(status).toBe(1);
  expect(stderr).toContain('InvalidToken');
});

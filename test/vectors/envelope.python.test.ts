import { spawnSync } from 'node:child_process';
import { expect } from '@jest/globals';
import { createIdentity, sha256, verifySignature } from '../../src/index.js';
import { encodeText, type Plaintext } from '../../streams/index.js';
import { decodeEnvelope, encodeEnvelope, hasValidSignature } from '../../streams/client/envelope/envelope.js';
import { toBase64url } from '../../streams/wire/index.js';
import { envelope } from '../support/envelopes.js';
import { PYTHON, withPython } from '../support/python.js';

/** An implementation of docs/protocol.md only: verifies an envelope, hashes lines, and creates an envelope. */
const SCRIPT = `
import base64, hashlib, json, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
LABEL = b"rxchat/1 message\\n"
b64 = lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
raw = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
given = json.load(sys.stdin)
plaintext = given["plaintext"].encode().rstrip(b" ")
read = json.loads(plaintext)
Ed25519PublicKey.from_public_bytes(raw(read["key"])).verify(raw(read["signature"]), LABEL + plaintext[:-102])
key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
lines = [line.encode() for line in given["lines"]]
hash = hashlib.sha256(b"".join(hashlib.sha256(line).digest() for line in lines)).digest()
own = dict(read, nick="python", text="gr\\u00fc\\u00dfe", counter=2, stored=1, seen=["log", 5, 4 + len(lines), b64(hash)])
own["key"] = b64(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
del own["signature"]
body = json.dumps(own, ensure_ascii=False, separators=(", ", ": "))[:-1].encode()
made = body + b',"signature":"' + b64(key.sign(LABEL + body)).encode() + b'"}'
json.dump({"nick": read["nick"], "made": made.ljust(1024).decode(), "hash": b64(hash)}, sys.stdout)
`;

const python = (script: string, input: unknown) =>
  spawnSync(PYTHON ?? 'python3', ['-c', script], { input: JSON.stringify(input), encoding: 'utf8' });

const test = withPython('no foreign envelope was read');

test('python3 verifies our envelopes, and makes such as we verify', () => {
  const identity = createIdentity();
  const plaintext = Buffer.from(encodeEnvelope(envelope({ key: identity.key }), identity)).toString();
  const lines = ['+alice', 'gAAAA', '-élan'];
  const { stdout, stderr, status } = python(SCRIPT, { plaintext, lines });
  expect({ stderr, status }).toStrictEqual({ stderr: '', status: 0 });
  const answer = JSON.parse(stdout) as { nick: string; made: string; hash: string };
  const hash = toBase64url(sha256(Buffer.concat(lines.map((line) => sha256(encodeText(line))))));
  expect(answer).toMatchObject({ nick: 'alice', hash });

  const made = encodeText(answer.made) as Plaintext;
  const read = decodeEnvelope(made)!;
  expect(read).toMatchObject({
    nick: 'python',
    lines: ['grüße'],
    seen: { log: 'log', from: 5, to: 7, hash },
  });
  expect(hasValidSignature(made, read, verifySignature)).toBe(true);

  const forged = python(SCRIPT, { plaintext: plaintext.replace('hello', 'hallo'), lines });
  expect(forged.status).toBe(1);
  expect(forged.stderr).toContain('InvalidSignature');
});

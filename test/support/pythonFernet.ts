import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PYTHON } from './python.js';

/** Answers each line, a JSON object, with a line. */
const SCRIPT = `
import json, sys
from cryptography.fernet import Fernet, InvalidToken

def open(fernet, token, ttl=None, now=None, **_):
    try:
        plain = fernet.decrypt(token) if ttl is None else fernet.decrypt_at_time(token, ttl, now)
        return {"text": plain.decode(), "time": fernet.extract_timestamp(token)}
    except InvalidToken:
        return {"error": "InvalidToken"}

def seal(fernet, text, time, **_):
    return {"token": fernet.encrypt_at_time(text.encode(), time).decode()}

for line in sys.stdin:
    asked = json.loads(line)
    answer = {"open": open, "seal": seal}[asked.pop("do")](Fernet(asked.pop("key")), **asked)
    print(json.dumps(answer), flush=True)
`;

/** The result of opening a token with Python's `cryptography`. */
export type PythonOpened =
  { readonly text: string; readonly time: number } | { readonly error: 'InvalidToken' };

/** A Python process that answers requests line by line. */
export interface PythonFernet {
  open(key: Uint8Array, token: string, freshness?: { now: number; ttl: number }): Promise<PythonOpened>;
  seal(key: Uint8Array, text: string, time: number): Promise<string>;
  /** Ends the process, and resolves once it has exited. */
  end(): Promise<unknown>;
}

export const startPythonFernet = (): PythonFernet => {
  const child = spawn(PYTHON ?? 'python3', ['-c', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  // The request that waits for its answer. Only one is open at a time, so the next line is its answer.
  let before: Promise<unknown> = Promise.resolve();
  const ask = (question: object): Promise<unknown> => {
    const answer = before.then(async () => {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value, done } = (await answers.next()) as IteratorResult<string, undefined>;
      if (done === true) throw new Error('python has ended');
      return JSON.parse(value) as unknown;
    });
    before = answer.catch(() => undefined);
    return answer;
  };
  const written = (key: Uint8Array) => `${Buffer.from(key).toString('base64url')}=`;

  return {
    open: async (key, token, freshness) =>
      (await ask({ do: 'open', key: written(key), token, ...freshness })) as PythonOpened,
    seal: async (key, text, time) =>
      ((await ask({ do: 'seal', key: written(key), text, time })) as { token: string }).token,
    end: async () => {
      child.stdin.end();
      await closed;
    },
  };
};

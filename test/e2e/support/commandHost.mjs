/**
 * Runs the built command several times in one process. Receives messages `{ args, env, input }`, and sends `{ code,
 * out, err }` or `{ fault }`. Each run has its own `process` object. A run is over when none of its resources would
 * keep a process alive.
 */
import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { setTimeout } from 'node:timers';
import { main } from '../../../dist/bin/main.mjs';

/** Node reads at most that many bytes of standard input at a time. */
const CHUNK_BYTES = 65_536;

const real = process;
let current = real;
// An import of `node:process` opens both streams, which then count as active resources.
void [real.stdout, real.stderr];
Object.defineProperty(globalThis, 'process', { get: () => current });

const inputOf = (bytes) => {
  let at = 0;
  return new Readable({
    read() {
      this.push(at < bytes.length ? bytes.subarray(at, (at += CHUNK_BYTES)) : null);
    },
  });
};

/** Creates a stream that records what is written to it. */
const output = () => {
  const chunks = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
};

/** Returns a `process` with those fields. Listeners for signals and exceptions are added to it only. */
const processWith = (fields) => {
  const events = new EventEmitter();
  return new Proxy(real, {
    get: (target, key) => {
      if (key in fields) return fields[key];
      if (key in events) return typeof events[key] === 'function' ? events[key].bind(events) : events[key];
      return target[key];
    },
    set: (_target, key, value) => Reflect.set(fields, key, value),
  });
};

/**
 * Returns what keeps this process alive. Disk requests do not count: they end by themselves, and stay in the list for
 * long.
 */
const resources = () => real.getActiveResourcesInfo().filter((each) => !each.endsWith('Req'));

/** Returns whether there are more active resources than before. */
const isActive = (before) => {
  const left = [...before];
  return resources().some((each) => {
    const at = left.indexOf(each);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
};

const run = async ({ args, env, input }) => {
  const [out, err] = [output(), output()];
  const fields = {
    env,
    stdin: inputOf(Buffer.from(input)),
    stdout: out.stream,
    stderr: err.stream,
    exitCode: undefined,
    exit: (code) => {
      throw new Error(`the command ends its process with ${code}: it needs one of its own`);
    },
  };
  const before = resources();
  current = processWith(fields);
  await main(args, 'test');
  while (isActive(before)) await new Promise((resolve) => setTimeout(resolve, 2).unref());
  current = real;
  return { code: fields.exitCode ?? 0, out: out.text(), err: err.text() };
};

real.on('message', (message) => {
  run(message).then(
    (ran) => real.send(ran),
    (error) => real.send({ fault: String(error?.stack ?? error) }),
  );
});

/** Runs the built command as a process. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const RXCHAT = resolve(import.meta.dirname, '../../dist/bin/rxchat.js');

/** The processes and files of one attack; `end()` ends all of them. */
export class Scene {
  #endings = [];

  /** Creates a directory, which is removed at the end. */
  dir() {
    const dir = mkdtempSync(join(tmpdir(), 'rxchat-attack-'));
    this.onEnd(() => rmSync(dir, { recursive: true, force: true, maxRetries: 20 }));
    return dir;
  }

  onEnd(action) {
    this.#endings.unshift(action);
  }

  async end() {
    for (const action of this.#endings.splice(0)) await action();
  }

  /** Writes an invite to a file. */
  inviteFile(text) {
    const file = join(this.dir(), 'room.invite');
    writeFileSync(file, `${text}\n`, { mode: 0o600 });
    return file;
  }

  /** Starts `rxchat` with a home of its own, or with the given one. */
  rxchat(args, { home = this.dir(), input, nodeArgs = [], stdout = 'pipe' } = {}) {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^RXCHAT_|^NODE_/.test(name)),
    );
    const child = spawn(process.execPath, [...nodeArgs, RXCHAT, ...args], {
      env: { ...env, RXCHAT_HOME: home },
      stdio: ['pipe', stdout, 'pipe'],
    });
    const run = new Run(child);
    child.stdin.on('error', () => undefined);
    if (input !== undefined) child.stdin.end(input);
    this.onEnd(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await run.exit;
    });
    return run;
  }

  /** Starts a relay; resolves with it and its port. */
  async serve(args = [], options = {}) {
    const run = this.rxchat(['serve', '--port', '0', ...args], options);
    const [, port] = await run.out(/^listening on \S*?:(\d+)$/m);
    return { run, port: Number(port) };
  }
}

/** A process and its output so far. */
export class Run {
  #waiting = new Set();
  stdout = '';
  stderr = '';
  ended = false;

  constructor(child) {
    this.child = child;
    this.pid = child.pid;
    child.stdout?.setEncoding('utf8').on('data', (text) => this.#take('stdout', text));
    child.stderr.setEncoding('utf8').on('data', (text) => this.#take('stderr', text));
    this.exit = new Promise((done) =>
      child.once('close', (code, signal) => {
        this.ended = true;
        for (const check of this.#waiting) check();
        done(code ?? signal);
      }),
    );
  }

  #take(name, text) {
    this[name] += text;
    for (const check of this.#waiting) check();
  }

  /** Resolves with the match of its standard output; rejects if it exits without one. */
  out(pattern) {
    return this.#until('stdout', pattern);
  }

  /** The same for standard error. */
  err(pattern) {
    return this.#until('stderr', pattern);
  }

  #until(name, pattern) {
    return new Promise((done, fail) => {
      const check = () => {
        const match = pattern.exec(this[name]);
        if (match === null && !this.ended) return;
        this.#waiting.delete(check);
        if (match !== null) done(match);
        else
          fail(
            new Error(
              `it ended without ${pattern} in ${name}:\n${this.stdout.slice(-2000)}\n${this.stderr.slice(-2000)}`,
            ),
          );
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** Returns the resident memory of the process in bytes. */
  residentBytes() {
    return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]);
  }

  /** Returns the peak resident memory of the process in bytes. */
  peakBytes() {
    return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]);
  }
}

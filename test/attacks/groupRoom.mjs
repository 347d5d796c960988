/** A group room at a relay, and people who use it with the built command. */
import assert from 'node:assert/strict';

/** A person with a home directory of their own. */
export class Person {
  constructor(scene, nick, invite, home = scene.dir()) {
    Object.assign(this, { scene, nick, invite, home });
  }

  /** Starts a command with the invite of the person. */
  start(command, flags = [], { invite = this.invite, input, nick = ['--nick', this.nick] } = {}) {
    const file = this.scene.inviteFile(invite);
    return this.scene.rxchat([command, ...flags, '--invite-file', file, ...nick], { home: this.home, input });
  }

  /** Runs a command until it ends. Rejects unless it succeeds. */
  async run(command, flags, options) {
    const run = this.start(command, flags, { input: '', ...options });
    assert.equal(await run.exit, 0, `${command} of ${this.nick}: ${run.stderr}`);
    return run.stdout;
  }

  /** Sends a message as a member, and joins first if need be. */
  async send(text, invite = this.invite) {
    await this.run('send', ['--as-member', '-m', text], { invite });
  }
}

/** A group room that `alice` created. */
export class GroupRoom {
  static async create(scene, relay) {
    const alice = new Person(scene, 'alice', '');
    const made = scene.rxchat(['invite', '--group', '--port', String(relay.port)], { home: alice.home });
    assert.equal(await made.exit, 0, made.stderr);
    alice.invite = made.stdout.trim();
    return Object.assign(new GroupRoom(), { scene, relay, alice, invite: alice.invite });
  }

  person(nick, home) {
    return new Person(this.scene, nick, this.invite, home);
  }

  /** Starts to read as `alice`, or as somebody else. Resolves once it is connected. */
  async listen(person = this.alice) {
    const reader = person.start('listen', ['--json', '--events']);
    await reader.out(/"type":"online"/);
    return reader;
  }

  /** The messages that a reader with `--json` printed, in order. */
  textsOf({ stdout }) {
    return eventsOf(stdout).flatMap(({ type, text }) => (type === 'message' ? [text] : []));
  }

  /** The members as `alice` sees them. */
  async members() {
    return JSON.parse(await this.alice.run('members', ['--json'])).members;
  }
}

/** The events of a reader with `--json`. */
export const eventsOf = (stdout) =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

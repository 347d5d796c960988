/** A client of the attacker in a group room: it holds the invite, and follows the handshakes in the log. */
import { Member } from './connection.mjs';
import { commitToken, Device, Follower, groupRoomOf, joinCommit } from './groupProtocol.mjs';

export class GroupAttacker {
  static async join(room, nick = 'mallory') {
    const outer = groupRoomOf(room.invite);
    const member = await Member.join(room.relay.port, outer, nick, { fields: 'last=1000' });
    if (member.refusal !== undefined) throw new Error(`the relay refuses the attacker: ${member.refusal}`);
    return Object.assign(new GroupAttacker(), {
      room,
      outer,
      member,
      follower: new Follower(outer),
      tokens: [],
    });
  }

  /** What everybody with the invite knows of the group. */
  get group() {
    return this.follower.group;
  }

  /** Sends a token, and reads the log up to its echo. */
  async send(token) {
    if (!(await this.readTo((line) => line === token, token)))
      throw new Error('the relay ended the connection');
  }

  /** Reads the log up to an entry that the test accepts. */
  async readTo(test, token) {
    if (token !== undefined) this.member.connection.write(token);
    return this.member.entry((line) => {
      if (line.startsWith('gAAAA')) {
        this.tokens.push(line);
        this.follower.read(line);
      }
      return test(line);
    });
  }

  /** Sends a commit with its update. Resolves with whether it is the one that counts, as far as newcomers can tell. */
  async commit({ commit, update, member }) {
    await this.send(commitToken(commit, update, this.outer));
    return this.group.tag.equals(member.group.tag);
  }

  /** Joins the group by commits that are valid, as a new person. Resolves with the member. */
  async enter(device = new Device()) {
    for (;;) {
      const staged = joinCommit(this.group, device);
      if (await this.commit(staged)) return staged.member;
    }
  }

  /** Returns the leaf of a person, by its position among those who are in the group. */
  leafAt(position) {
    return this.group.leaves[position];
  }
}

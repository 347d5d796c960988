import type { Command, Member } from '../../streams/relay/commands.js';
import { fakeConnection, type FakeConnection } from './fakeConnection.js';
import { batch, member, token } from './wire.js';

export type Who = Partial<Omit<Member, 'connection'>> & { readonly connection?: FakeConnection };

export interface Company {
  readonly command: Record<string, Command>;
  readonly alice: FakeConnection;
  readonly bob: FakeConnection;
}

/** What alice and bob do: capitals join, small letters leave; x y are alice's, z is bob's, p a ping of alice. */
export const company = ({ alice = {}, bob = {} }: { alice?: Who; bob?: Who } = {}): Company => {
  const one = fakeConnection();
  const two = fakeConnection();
  const a = member('alice', { connection: one, ...alice });
  const b = member('bob', { connection: two, ...bob });
  const say = (who: Member, mark: string): Command => ({
    type: 'tokens',
    member: who,
    lines: batch(token(mark)),
  });
  const command: Record<string, Command> = {
    A: { type: 'join', member: a },
    B: { type: 'join', member: b },
    a: { type: 'leave', member: a, reason: 'bye' },
    b: { type: 'leave', member: b, reason: 'bye' },
    x: say(a, 'x'),
    y: say(a, 'y'),
    z: say(b, 'z'),
    p: { type: 'ping', member: a },
  };
  return { command, alice: alice.connection ?? one, bob: bob.connection ?? two };
};

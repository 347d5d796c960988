import type { MemberCommand, Member } from '../../streams/relay/connection/parseCommands.js';
import { fakeConnection, type FakeConnection } from './fakeConnection.js';
import { batch, member, token } from './wire.js';

export type MemberOptions = Partial<Omit<Member, 'connection'>> & { readonly connection?: FakeConnection };

export interface MembersFixture {
  readonly command: Record<string, MemberCommand>;
  readonly alice: FakeConnection;
  readonly bob: FakeConnection;
}

/** Commands of alice and bob: capitals join, small letters leave; x y are alice's, z is bob's, p a ping of alice. */
export const membersFixture = ({
  alice = {},
  bob = {},
}: { alice?: MemberOptions; bob?: MemberOptions } = {}): MembersFixture => {
  const aliceConnection = fakeConnection();
  const bobConnection = fakeConnection();
  const aliceMember = member('alice', { connection: aliceConnection, ...alice });
  const bobMember = member('bob', { connection: bobConnection, ...bob });
  const tokensOf = (who: Member, mark: string): MemberCommand => ({
    type: 'tokens',
    member: who,
    lines: batch(token(mark)),
  });
  const command: Record<string, MemberCommand> = {
    A: { type: 'join', member: aliceMember },
    B: { type: 'join', member: bobMember },
    a: { type: 'leave', member: aliceMember, reason: 'bye' },
    b: { type: 'leave', member: bobMember, reason: 'bye' },
    x: tokensOf(aliceMember, 'x'),
    y: tokensOf(aliceMember, 'y'),
    z: tokensOf(bobMember, 'z'),
    p: { type: 'ping', member: aliceMember },
  };
  return { command, alice: alice.connection ?? aliceConnection, bob: bob.connection ?? bobConnection };
};

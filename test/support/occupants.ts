import type { Occupant, RosterChange } from '../../streams/relay/members/roster.js';

/** A member as relays share it: plain data. */
export interface TestOccupant extends Occupant {
  readonly connection: string;
}

/** Returns an occupant whose session has the name of its nick, over the first connection to a relay. */
export const occupant = (
  nick: string,
  { session = nick, connection = `r1.${session}`, owner }: Partial<TestOccupant> = {},
): TestOccupant => ({
  nick,
  session,
  connection,
  ...(owner !== undefined && { owner }),
});

/** Describes a change in a few words. */
export const describeChange = (change: RosterChange<Occupant>): string => {
  const { nick } = change.member;
  switch (change.type) {
    case 'joined':
      return `${nick} ${change.resumed ? 'resumed' : 'joined'}`;
    case 'left':
      return `${change.nick} left`;
    case 'refused':
      return `${nick} refused: ${change.code}`;
    case 'disconnected':
      return `${nick} disconnected: ${change.reason}`;
    default:
      return `${nick} ${change.type}`;
  }
};

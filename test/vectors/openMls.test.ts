import { describe, expect, test } from '@jest/globals';
import {
  type CreateSession,
  epochAuthenticatorOf,
  type LibraryMember,
  MixedGroup,
  type OpenMlsSession,
  stateOf,
} from '../support/group/mls/openMls.js';

// The tests of the star engine compare it with ts-mls. These compare ts-mls with OpenMLS.

/** The package is a native module. It is missing where nobody published a binary for the platform. */
const createSession: CreateSession | undefined = await import('@snazzah/davey').then(
  ({ DAVESession }) =>
    (userId, channelId) =>
      new DAVESession(1, userId, channelId),
  () => undefined,
);

const expectAgreement = (epoch: bigint, ...members: readonly (OpenMlsSession | LibraryMember)[]): void => {
  const authenticators = new Set(members.map(epochAuthenticatorOf));
  expect(authenticators.size).toBe(1);
  expect([...authenticators][0]).toMatch(/^[0-9a-f]{64}$/);
  for (const member of members) if ('state' in member) expect(stateOf(member).groupContext.epoch).toBe(epoch);
};

/** OpenMLS creates a group and adds a member of each implementation. */
const groupOfThree = async (create: CreateSession) => {
  const group = await MixedGroup.create(create);
  const [one, two] = [group.openMls('1'), group.openMls('2')];
  const library = await group.library(9);
  const proposals = await group.propose(0n, group.addOf(two), {
    proposalType: 'add',
    add: { keyPackage: library.keyPackage },
  });
  const { commit, welcome } = group.receive(one, proposals);
  one.processCommit(commit);
  two.processWelcome(welcome!);
  await group.join(library, welcome!);
  return { group, one, two, library };
};

const leafOf = ({ ownLeafIndex }: OpenMlsSession): number => {
  if (ownLeafIndex === null) throw new Error('the member has no leaf');
  return ownLeafIndex;
};

if (createSession === undefined)
  console.warn('SKIPPED: @snazzah/davey has no binary here, so OpenMLS is not compared with ts-mls');

(createSession === undefined ? describe.skip : describe)('OpenMLS and ts-mls', () => {
  const create = createSession!;

  test('a member of ts-mls joins by the welcome of OpenMLS', async () => {
    const { one, two, library } = await groupOfThree(create);
    expectAgreement(1n, one, two, library);
  });

  test('ts-mls follows a commit of OpenMLS that adds a member', async () => {
    const { group, one, two, library } = await groupOfThree(create);
    const three = group.openMls('3');
    const proposals = await group.propose(1n, group.addOf(three));
    for (const each of proposals) await group.process(library, each);
    group.receive(two, proposals);
    const { commit, welcome } = group.receive(one, proposals);
    for (const each of [one, two]) each.processCommit(commit);
    three.processWelcome(welcome!);
    await group.process(library, commit);
    expectAgreement(2n, one, two, three, library);
  });

  test('ts-mls follows a removal by OpenMLS, and OpenMLS follows one by ts-mls', async () => {
    const { group, one, two, library } = await groupOfThree(create);
    const three = group.openMls('3');
    const adding = await group.propose(1n, group.addOf(three));
    for (const each of adding) await group.process(library, each);
    group.receive(two, adding);
    const added = group.receive(one, adding);
    for (const each of [one, two]) each.processCommit(added.commit);
    three.processWelcome(added.welcome!);
    await group.process(library, added.commit);

    const remove = (removed: number) => ({ proposalType: 'remove' as const, remove: { removed } });
    const first = await group.propose(2n, remove(leafOf(two)));
    for (const each of first) await group.process(library, each);
    group.receive(three, first);
    const { commit } = group.receive(one, first);
    for (const each of [one, three]) each.processCommit(commit);
    await group.process(library, commit);
    expectAgreement(3n, one, three, library);

    const second = await group.propose(3n, remove(leafOf(three)));
    for (const each of second) await group.process(library, each);
    group.receive(one, second);
    const before = epochAuthenticatorOf(one);
    one.processCommit(await group.commit(library));
    expectAgreement(4n, one, library);
    expect(epochAuthenticatorOf(one)).not.toBe(before);
  });

  test('OpenMLS rejects a commit that was changed', async () => {
    const { group, one, two, library } = await groupOfThree(create);
    const proposals = await group.propose(1n, {
      proposalType: 'remove',
      remove: { removed: leafOf(two) },
    });
    for (const each of proposals) await group.process(library, each);
    group.receive(one, proposals);
    const commit = await group.commit(library);
    const altered = Buffer.from(commit);
    altered[altered.length - 40] = (altered[altered.length - 40] ?? 0) ^ 1;
    expect(() => one.processCommit(altered)).toThrow();
    one.processCommit(commit);
    expectAgreement(2n, one, library);
  });
});

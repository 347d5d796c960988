import type { GroupInfo, Member } from './engine.js';

/** Returns the member that has a leaf. Throws a `TypeError` if no member has it. */
export const memberOfLeaf = (members: readonly Member[], leaf: number): Member => {
  const member = members.find((each) => each.leaf === leaf);
  if (member === undefined) throw new TypeError('a member has a leaf');
  return member;
};

/** Returns the key of the device that signed a group info, or `undefined` if no member has its leaf. */
export const signerOf = ({ members, signer }: Pick<GroupInfo, 'members' | 'signer'>): string | undefined =>
  members.find(({ leaf }) => leaf === signer)?.device;

import { createHpke, createStarEngine } from '../../../streams/client/group/index.js';
import type { CryptoSuite, StarGroupInfo, StarState } from '../../../streams/client/group/index.js';
import { formatCommitData, NO_COMMIT_DATA } from '../../../streams/client/group/commitData.js';
import { createKeySchedule } from '../../../streams/client/group/keySchedule.js';
import { createLabelledCrypto } from '../../../streams/client/group/labels.js';
import { parseCommit, verifyCommit } from '../../../streams/client/group/starCommit.js';
import type { PublicGroup } from '../../../streams/client/group/starGroup.js';
import {
  type CommitProposal,
  type StarCrypto,
  stageCommit,
} from '../../../streams/client/group/starTransition.js';
import { equalBytes } from '../../../streams/client/group/bytes.js';
import { flipBit } from '../cryptoSuites.js';
import type { AttackedEngine, Attacker } from './attackedEngine.js';
import { createStarForge } from './commitForge.js';

export const starCryptoOf = (suite: CryptoSuite): StarCrypto => {
  const hpke = createHpke(suite);
  return {
    suite,
    hpke,
    labelled: createLabelledCrypto(suite, hpke),
    keySchedule: createKeySchedule(suite, hpke),
  };
};

/** Cryptography that encrypts the commit secret wrongly for some leaves of a group. */
const wrongFor = (crypto: StarCrypto, { leaves }: PublicGroup, wrong: readonly number[]): StarCrypto => {
  const keys = leaves.flatMap(({ index, encryptionKey }) => (wrong.includes(index) ? [encryptionKey] : []));
  return {
    ...crypto,
    labelled: {
      ...crypto.labelled,
      encryptWithLabel: (publicKey, label, context, plaintext) => {
        const sealed = crypto.labelled.encryptWithLabel(publicKey, label, context, plaintext);
        const isWrong = keys.some((key) => equalBytes(key, publicKey));
        return sealed && isWrong ? { ...sealed, ciphertext: flipBit(sealed.ciphertext, 0) } : sealed;
      },
    },
  };
};

const createStarAttacker = (suite: CryptoSuite): Attacker<StarState, StarGroupInfo> => {
  const crypto = starCryptoOf(suite);
  const forge = createStarForge(suite);
  const stage = (
    group: PublicGroup,
    proposal: Pick<CommitProposal, 'device' | 'index' | 'removed' | 'initSecret'> & Partial<CommitProposal>,
    wrongLeaves: readonly number[] = [],
  ) => {
    const staged = stageCommit(
      group,
      { authenticatedData: formatCommitData(NO_COMMIT_DATA), externalInit: undefined, ...proposal },
      wrongFor(crypto, group, wrongLeaves),
    );
    if (staged === undefined) throw new TypeError('a key of the group cannot be used');
    return staged;
  };
  return {
    commit: (
      { group, secrets: { initSecret }, leaf: index },
      device,
      { removed = [], wrongLeaves, authenticatedData = formatCommitData(NO_COMMIT_DATA) } = {},
    ) => stage(group, { device, index, removed, initSecret, authenticatedData }, wrongLeaves),
    join: (info, device, { removed = [], wrongLeaves } = {}) => {
      const init = crypto.keySchedule.createExternalInit(info.externalKey);
      if (init === undefined) throw new TypeError('the external key cannot be used');
      const taken = info.members.flatMap(({ leaf }) => (removed.includes(leaf) ? [] : [leaf]));
      const index = [...taken.keys(), taken.length].find((each) => !taken.includes(each)) ?? 0;
      const { initSecret, kemOutput: externalInit } = init;
      return stage(info, { device, index, removed, initSecret, externalInit }, wrongLeaves);
    },
    alter: (state, commit, change, signer) => {
      const altered = forge(state, commit, change, signer);
      if (!(altered instanceof Uint8Array))
        throw new TypeError('the forge of the star engine is synchronous');
      return altered;
    },
    inEpoch: (state, epoch) => ({ ...state, group: { ...state.group, epoch } }),
    opensSecretOf: ({ group, encryptionKey }, commit) => {
      const parsed = parseCommit(commit);
      const verified = parsed && verifyCommit(group, parsed, suite, crypto.labelled);
      if (verified?.kind !== 'verified') throw new TypeError('a commit that ends the epoch of the state');
      const { encryptionContext } = verified;
      return (parsed?.encryptedSecrets ?? []).some(
        (each) =>
          crypto.labelled.decryptWithLabel(encryptionKey, 'commit secret', encryptionContext, each) !==
          undefined,
      );
    },
  };
};

/** The star engine on a suite, and an attacker of it. */
export const attackedStar = (suite: CryptoSuite): AttackedEngine<StarState, StarGroupInfo> => ({
  suite,
  engine: createStarEngine(suite),
  attacker: createStarAttacker(suite),
});

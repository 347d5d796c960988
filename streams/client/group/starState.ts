import { BytesError, concatBytes, lengthPrefixed, parseBytes, u16, u8 } from './bytes.js';
import type { CryptoSuite } from './cryptoSuite.js';
import type { KeyPair } from './hpke.js';
import type { EpochSecrets } from './keySchedule.js';
import { SECRET_BYTES } from './labels.js';
import { formatPublicGroup, type PublicGroup, readPublicGroup } from './starGroup.js';

/** The secrets of an epoch that its members retain. */
export interface RetainedSecrets extends Omit<EpochSecrets, 'confirmationKey' | 'exporterSecret'> {
  /** `undefined` after it was dropped. */
  readonly exporterSecret: Uint8Array | undefined;
}

/** The state of a member: the group and the member's secrets. */
export interface StarState {
  readonly group: PublicGroup;
  /** The index of the member's own leaf. */
  readonly leaf: number;
  /** The key pair of the member's own leaf. */
  readonly encryptionKey: KeyPair;
  readonly secrets: RetainedSecrets;
}

/** Accepts all credentials: they were verified before they were stored. */
const VERIFIED_BEFORE = { verify: () => true };

/** Formats a state, with all of its secrets. */
export const formatState = ({ group, leaf, encryptionKey, secrets }: StarState): Uint8Array =>
  concatBytes(
    lengthPrefixed(formatPublicGroup(group)),
    u16(leaf),
    encryptionKey.privateKey,
    secrets.initSecret,
    secrets.externalSecret,
    secrets.epochAuthenticator,
    u8(secrets.exporterSecret === undefined ? 0 : 1),
    secrets.exporterSecret ?? new Uint8Array(0),
  );

/** Parses the format of `formatState`, or returns `undefined` if the bytes are not one. */
export const parseState = (bytes: Uint8Array, suite: CryptoSuite): StarState | undefined =>
  parseBytes(bytes, (reader) => {
    const group = parseBytes(reader.lengthPrefixed(), (groupReader) =>
      readPublicGroup(groupReader, suite, VERIFIED_BEFORE),
    );
    const leaf = reader.u16();
    const publicKey = group?.leaves.find(({ index }) => index === leaf)?.encryptionKey;
    if (group === undefined || publicKey === undefined) throw new BytesError('the own leaf is missing');
    const secret = (): Uint8Array => reader.bytes(SECRET_BYTES);
    return {
      group,
      leaf,
      encryptionKey: { privateKey: secret(), publicKey },
      secrets: {
        initSecret: secret(),
        externalSecret: secret(),
        epochAuthenticator: secret(),
        exporterSecret: reader.u8() === 0 ? undefined : secret(),
      },
    };
  });

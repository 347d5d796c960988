import { encodeText } from '../../wire/encoding.js';
import type { CryptoSuite } from './cryptoSuite.js';
import type { Hpke, KeyPair } from './hpke.js';
import { createLabelledCrypto, PROTOCOL, SECRET_BYTES } from './labels.js';

/** The secrets of an epoch (RFC 9420, section 8). */
export interface EpochSecrets {
  /** Enters the key schedule of the next epoch. */
  readonly initSecret: Uint8Array;
  /** The source of all exported secrets. */
  readonly exporterSecret: Uint8Array;
  /** The source of the key pair to which newcomers encrypt. */
  readonly externalSecret: Uint8Array;
  /** Authenticates the transcript of the commit that began the epoch. */
  readonly confirmationKey: Uint8Array;
  readonly epochAuthenticator: Uint8Array;
}

/** What a newcomer sends the members, and the init secret that it shares with them. */
export interface ExternalInit {
  readonly kemOutput: Uint8Array;
  readonly initSecret: Uint8Array;
}

/** The key schedule of MLS (RFC 9420, section 8), without what this protocol does not use. */
export interface KeySchedule {
  /** Derives an epoch's secrets from the previous init secret, the commit secret and the new group context. */
  readonly deriveEpoch: (
    initSecret: Uint8Array,
    commitSecret: Uint8Array,
    groupContext: Uint8Array,
  ) => EpochSecrets;
  /** Derives the key pair to which newcomers encrypt. */
  readonly externalKeyPair: (externalSecret: Uint8Array) => KeyPair;
  /** Creates an init secret as a newcomer, or returns `undefined` if the public key cannot be used. */
  readonly createExternalInit: (externalPublicKey: Uint8Array) => ExternalInit | undefined;
  /** Computes the init secret of a newcomer as a member, or returns `undefined` if `kemOutput` cannot be used. */
  readonly openExternalInit: (externalKeyPair: KeyPair, kemOutput: Uint8Array) => Uint8Array | undefined;
  /** Exports a secret (RFC 9420, section 8.5). */
  readonly exportSecret: (
    exporterSecret: Uint8Array,
    label: string,
    context: Uint8Array,
    lengthBytes: number,
  ) => Uint8Array;
}

const EMPTY = new Uint8Array(0);
/** The secret of pre-shared keys in a group without pre-shared keys. */
const NO_PSK = new Uint8Array(SECRET_BYTES);

/** Creates the key schedule of MLS. `protocol` is the prefix of all labels. */
export const createKeySchedule = (
  suite: CryptoSuite,
  hpke: Hpke,
  protocol: string = PROTOCOL,
): KeySchedule => {
  const { sha256, hkdfExtract } = suite;
  const { expandWithLabel, deriveSecret } = createLabelledCrypto(suite, hpke, protocol);
  const externalInitLabel = encodeText(`${protocol}external init secret`);

  return {
    deriveEpoch: (initSecret, commitSecret, groupContext) => {
      const joinerSecret = expandWithLabel(
        hkdfExtract(initSecret, commitSecret),
        'joiner',
        groupContext,
        SECRET_BYTES,
      );
      const memberSecret = hkdfExtract(joinerSecret, NO_PSK);
      const epochSecret = expandWithLabel(memberSecret, 'epoch', groupContext, SECRET_BYTES);
      return {
        initSecret: deriveSecret(epochSecret, 'init'),
        exporterSecret: deriveSecret(epochSecret, 'exporter'),
        externalSecret: deriveSecret(epochSecret, 'external'),
        confirmationKey: deriveSecret(epochSecret, 'confirm'),
        epochAuthenticator: deriveSecret(epochSecret, 'authentication'),
      };
    },
    externalKeyPair: hpke.deriveKeyPair,
    createExternalInit: (externalPublicKey) => {
      const sender = hpke.setupSender(externalPublicKey, EMPTY);
      return (
        sender && {
          kemOutput: sender.kemOutput,
          initSecret: hpke.exportSecret(sender.context, externalInitLabel, SECRET_BYTES),
        }
      );
    },
    openExternalInit: (externalKeyPair, kemOutput) => {
      const received = hpke.setupReceiver(kemOutput, externalKeyPair, EMPTY);
      return received && hpke.exportSecret(received, externalInitLabel, SECRET_BYTES);
    },
    exportSecret: (exporterSecret, label, context, lengthBytes) =>
      expandWithLabel(deriveSecret(exporterSecret, label), 'exported', sha256(context), lengthBytes),
  };
};

import {
  type CiphersuiteImpl,
  type ClientState,
  createCommit,
  decodeMlsMessage,
  emptyPskIndex,
  encodeExternalSender,
  encodeMlsMessage,
  generateKeyPackageWithKey,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  type KeyPackage,
  type PrivateKeyPackage,
  type Proposal,
  processPublicMessage,
  type PublicMessage,
} from 'ts-mls';
import { processProposal } from 'ts-mls/clientState.js';
import { encode } from 'ts-mls/codec/tlsEncoder.js';
import { varLenDataEncoder } from 'ts-mls/codec/variableLength.js';
import { signFramedContentApplicationOrProposal, toTbs } from 'ts-mls/framedContent.js';
import { decodeKeyPackage } from 'ts-mls/keyPackage.js';
import { decodeWelcome } from 'ts-mls/welcome.js';
import { concatBytes, u64 } from '../../../../streams/client/group/bytes.js';
import { hex } from '../../cryptoSuites.js';

/** The member of OpenMLS that the package exports: of its methods, those that the tests use. */
export interface OpenMlsSession {
  readonly ownLeafIndex: number | null;
  setExternalSender(externalSender: Buffer): void;
  getSerializedKeyPackage(): Buffer;
  /** Commits proposals, which are a vector of messages. */
  processProposals(
    operation: 0,
    proposals: Buffer,
    userIds: string[],
  ): { readonly commit?: Buffer; readonly welcome?: Buffer };
  processCommit(commit: Buffer): void;
  processWelcome(welcome: Buffer): void;
  getEpochAuthenticator(): Buffer | null;
}

export type CreateSession = (userId: string, channelId: string) => OpenMlsSession;

const CHANNEL = '123456789';
const GROUP_ID = u64(Number(CHANNEL));
const CIPHERSUITE = 'MLS_128_DHKEMP256_AES128GCM_SHA256_P256';
const USER_IDS = ['1', '2', '3', '9'];

/** A member of ts-mls, who has joined or has only a key package. */
export interface LibraryMember {
  readonly keyPackage: KeyPackage;
  readonly privatePackage: PrivateKeyPackage;
  state: ClientState | undefined;
}

/** A group with members of OpenMLS and of ts-mls. Its delivery service proposes who comes and goes. */
export class MixedGroup {
  private readonly createSession: CreateSession;
  private readonly ciphersuite: CiphersuiteImpl;
  private readonly serviceKey: { readonly publicKey: Uint8Array; readonly signKey: Uint8Array };

  private constructor(
    createSession: CreateSession,
    ciphersuite: CiphersuiteImpl,
    serviceKey: { readonly publicKey: Uint8Array; readonly signKey: Uint8Array },
  ) {
    this.createSession = createSession;
    this.ciphersuite = ciphersuite;
    this.serviceKey = serviceKey;
  }

  static async create(createSession: CreateSession): Promise<MixedGroup> {
    const ciphersuite = await getCiphersuiteImpl(getCiphersuiteFromName(CIPHERSUITE));
    return new MixedGroup(createSession, ciphersuite, await ciphersuite.signature.keygen());
  }

  /** A member of OpenMLS. The first one's group is that of all. */
  openMls(userId: string): OpenMlsSession {
    const session = this.createSession(userId, CHANNEL);
    const externalSender = encodeExternalSender({
      signaturePublicKey: this.serviceKey.publicKey,
      credential: { credentialType: 'basic', identity: u64(7) },
    });
    session.setExternalSender(Buffer.from(externalSender));
    return session;
  }

  async library(userId: number): Promise<LibraryMember> {
    const { publicPackage: keyPackage, privatePackage } = await generateKeyPackageWithKey(
      { credentialType: 'basic', identity: u64(userId) },
      {
        versions: ['mls10'],
        ciphersuites: [CIPHERSUITE],
        extensions: [],
        proposals: [],
        credentials: ['basic'],
      },
      { notBefore: 0n, notAfter: 2n ** 63n - 1n },
      [],
      await this.ciphersuite.signature.keygen(),
      this.ciphersuite,
    );
    return { keyPackage, privatePackage, state: undefined };
  }

  addOf(session: OpenMlsSession): Proposal {
    const [keyPackage] = decodeKeyPackage(Uint8Array.from(session.getSerializedKeyPackage()), 0) ?? [];
    if (keyPackage === undefined) throw new Error('the key package of OpenMLS cannot be parsed');
    return { proposalType: 'add', add: { keyPackage } };
  }

  /** The proposals as messages of the delivery service. */
  async propose(epoch: bigint, ...proposals: readonly Proposal[]): Promise<readonly Uint8Array[]> {
    const messages: Uint8Array[] = [];
    for (const proposal of proposals) {
      const content = {
        groupId: GROUP_ID,
        epoch,
        sender: { senderType: 'external' as const, senderIndex: 0 },
        contentType: 'proposal' as const,
        authenticatedData: new Uint8Array(0),
        proposal,
      };
      const context = { version: 'mls10' as const, cipherSuite: CIPHERSUITE } as ClientState['groupContext'];
      const auth = await signFramedContentApplicationOrProposal(
        this.serviceKey.signKey,
        { ...toTbs(content, 'mls_public_message', context), content },
        this.ciphersuite,
      );
      const publicMessage: PublicMessage = { content, auth, senderType: 'external' };
      messages.push(encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage }));
    }
    return messages;
  }

  /** A member of OpenMLS receives proposals. It makes a commit of all proposals that it has. */
  receive(
    session: OpenMlsSession,
    proposals: readonly Uint8Array[],
  ): { commit: Buffer; welcome: Buffer | undefined } {
    const vector = Buffer.from(encode(varLenDataEncoder)(concatBytes(...proposals)));
    const { commit, welcome } = session.processProposals(0, vector, USER_IDS);
    if (commit === undefined) throw new Error('OpenMLS made no commit');
    return { commit, welcome };
  }

  async join(member: LibraryMember, welcome: Uint8Array): Promise<void> {
    const [decoded] = decodeWelcome(Uint8Array.from(welcome), 0) ?? [];
    if (decoded === undefined) throw new Error('the welcome of OpenMLS cannot be parsed');
    member.state = await joinGroup(
      decoded,
      member.keyPackage,
      member.privatePackage,
      emptyPskIndex,
      this.ciphersuite,
    );
  }

  /** A member of ts-mls processes a proposal or a commit. */
  async process(member: LibraryMember, bytes: Uint8Array): Promise<void> {
    const [message] = decodeMlsMessage(Uint8Array.from(bytes), 0) ?? [];
    if (message?.wireformat !== 'mls_public_message') throw new Error('a public message is expected');
    const { publicMessage } = message;
    const state = stateOf(member);
    const { content } = publicMessage;
    // The library parses a list of external senders as one, and so cannot verify their proposals.
    member.state =
      content.contentType === 'proposal'
        ? await processProposal(
            state,
            { ...publicMessage, wireformat: 'mls_public_message' },
            content.proposal,
            this.ciphersuite.hash,
          )
        : (await processPublicMessage(state, publicMessage, emptyPskIndex, this.ciphersuite)).newState;
  }

  /** A member of ts-mls commits the proposals that it has. */
  async commit(member: LibraryMember): Promise<Buffer> {
    const { commit, newState } = await createCommit(
      { state: stateOf(member), cipherSuite: this.ciphersuite },
      { wireAsPublicMessage: true },
    );
    member.state = newState;
    return Buffer.from(encodeMlsMessage(commit));
  }
}

export const stateOf = ({ state }: LibraryMember): ClientState => {
  if (state === undefined) throw new Error('the member has not joined');
  return state;
};

/** The epoch authenticator of a member of either implementation. */
export const epochAuthenticatorOf = (member: OpenMlsSession | LibraryMember): string =>
  'state' in member
    ? hex(stateOf(member).keySchedule.epochAuthenticator)
    : hex(member.getEpochAuthenticator() ?? new Uint8Array(0));

export { createDevice } from './credential.js';
export type { Aead, CryptoSuite, KeyAgreement, SignatureScheme, SigningKey } from './cryptoSuite.js';
export type {
  Commit,
  CommitFailure,
  CommitOptions,
  CommitResult,
  Device,
  ExternalCommitOptions,
  FollowResult,
  GroupEngine,
  GroupInfo,
  GroupView,
  Member,
  MemberView,
  StagedCommit,
} from './engine.js';
export { createHpke } from './hpke.js';
export type { Hpke, HpkeContext, HpkeSender, KeyPair } from './hpke.js';
export { createKeySchedule } from './keySchedule.js';
export type { EpochSecrets, ExternalInit, KeySchedule } from './keySchedule.js';
export { createStarEngine } from './starEngine.js';
export type { StarGroupInfo } from './starGroupInfo.js';
export type { StarState } from './starState.js';

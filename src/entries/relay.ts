/** The relay's side alone: the operator from connections to what happened, and what gives it connections on Node. */
export { checkAccess } from '../crypto/accessToken.js';
export { verifyProof } from '../crypto/verifyProof.js';
export { relay } from '../relay.js';
export type { NodeRelayOptions } from '../relay.js';
export { readCertificate } from '../tls/certificate.js';
export type { Listening } from '../transport/listening.js';
export { listenTcp, tcpConnection } from '../transport/tcp.js';
export { listenTls } from '../transport/tls.js';
export type { Certificate, Peer } from '../transport/tls.js';
export { endOfTurn$ } from '../turn.js';
export type { CheckAccess, RelayEvent, RelayOptions, Rate } from '../../streams/relay/index.js';
export { memoryPair } from '../../streams/wire/index.js';
export type { Connection, MemoryOptions } from '../../streams/wire/index.js';

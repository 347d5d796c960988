/** The library on Node: a room as an operator, a relay as an operator, and what they need. The core is `rxchat/streams`. */
export { formatAddress } from './address.js';
export type { Address } from './address.js';
export { createInvite, formatInvite, InviteError, parseInvite } from './invite.js';
export type { Invite } from './invite.js';
export { nodeCipher } from './crypto/nodeCipher.js';
export { npmCipher } from './crypto/npmCipher.js';
export { deriveRoomKeys } from './crypto/roomKeys.js';
export type { RoomKeys } from './crypto/roomKeys.js';
export { verifyProof } from './crypto/verifyProof.js';
export { relay } from './relay.js';
export type { NodeRelayOptions } from './relay.js';
export { room } from './room.js';
export type { RoomOptions } from './room.js';
export { connectTcp, listenTcp, tcpConnection } from './transport/tcp.js';
export type { Listening } from './transport/tcp.js';
export { endOfTurn$ } from './turn.js';

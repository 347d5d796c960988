/** The library on Node: a room as an operator, a relay as an operator, and what they need. The core is `rxchat/streams`. */
export { createInvite, formatAddress, formatInvite, InviteError, parseInvite } from './invite.js';
export type { Address, Invite } from './invite.js';
export { nodeCipher } from './crypto/nodeCipher.js';
export { npmCipher } from './crypto/npmCipher.js';
export { deriveRoomKeys, verifyProof } from './crypto/roomKeys.js';
export type { RoomKeys } from './crypto/roomKeys.js';
export { relay } from './relay.js';
export type { NodeRelayOptions } from './relay.js';
export { room } from './room.js';
export type { RoomOptions } from './room.js';
export { connectTcp, listenTcp, tcpConnection } from './transport/tcp.js';
export type { Listening } from './transport/tcp.js';
export { endOfTurn$ } from './turn.js';

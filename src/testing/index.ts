/** To test what uses a room, in virtual time: a relay in memory, faults by a script, connections and keys for drawings. */
export { fakeCipher, keyOf, ringOf, timeOf } from './fakeCipher.js';
export { fakeConnection } from './fakeConnection.js';
export type { FakeConnection, Script } from './fakeConnection.js';
export { fakeHash, fakeIdentity, fakeVerify } from './fakeKeys.js';
export { FAKE_INVITE, fakePlatform } from './fakePlatform.js';
export { fakeRelay } from './fakeRelay.js';
export type { FakeRelay, FakeRelayOptions } from './fakeRelay.js';
export { faults } from './faults.js';
export type { Fault } from './faults.js';
export { marbles } from './marbles.js';
export type { MarblesOptions } from './marbles.js';
export { virtualLink } from './virtualLink.js';
export type { Link, LinkQuality } from './virtualLink.js';

/** What a stranger sends to the HTTP side of a relay: whole requests, and what follows a handshake. See web.test.ts. */
export const WEB_TARGETS: readonly string[] = ['frames', 'http'];

/**
 * Whether a signature (base64url) over a message holds under a public key (base64url): Ed25519, RFC 8032. Whatever is
 * malformed does not hold; it does not throw.
 */
export type Verify = (key: string, message: Uint8Array, signature: string) => boolean;

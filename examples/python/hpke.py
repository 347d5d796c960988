"""HPKE (RFC 9180) in base mode: X25519, HKDF-SHA256 and ChaCha20-Poly1305. Keys are bytes."""

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEM = b"KEM" + bytes.fromhex("0020")
SUITE = b"HPKE" + bytes.fromhex("0020 0001 0003")


def extract(salt, key):
    """HKDF-Extract (RFC 5869)."""
    return hmac.digest(salt, key, "sha256")


def expand(key, info, length=32):
    """HKDF-Expand (RFC 5869)."""
    output = block = b""
    for counter in range(1, 1 + -(-length // 32)):
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


def labelled_extract(suite, salt, label, key):
    return extract(salt, b"HPKE-v1" + suite + label + key)


def labelled_expand(suite, key, label, info, length=32):
    return expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def derive_private_key(random):
    return labelled_expand(KEM, labelled_extract(KEM, b"", b"dkp_prk", random), b"sk", b"")


def public_key(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def shared_secret(private, public):
    """X25519; raises ValueError if the result is zero, because then the public key cannot be used."""
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))


class Context:
    """What sender and receiver share: for one message, and for exported secrets."""

    def __init__(self, dh, kem_output, receiver, info):
        prk = labelled_extract(KEM, b"", b"eae_prk", dh)
        shared = labelled_expand(KEM, prk, b"shared_secret", kem_output + receiver)
        hashes = [labelled_extract(SUITE, b"", *each) for each in ((b"psk_id_hash", b""), (b"info_hash", info))]
        secret = labelled_extract(SUITE, shared, b"secret", b"")
        self._key, self._nonce, self._exporter = (
            labelled_expand(SUITE, secret, label, b"\0" + b"".join(hashes), length)
            for label, length in ((b"key", 32), (b"base_nonce", 12), (b"exp", 32))
        )

    def seal(self, plaintext):
        return ChaCha20Poly1305(self._key).encrypt(self._nonce, plaintext, b"")

    def open(self, ciphertext):
        try:
            return ChaCha20Poly1305(self._key).decrypt(self._nonce, ciphertext, b"")
        except InvalidTag:
            raise ValueError("the ciphertext is not authentic") from None

    def export(self, context):
        return labelled_expand(SUITE, self._exporter, b"sec", context)


def setup_sender(public, info, random):
    """Returns the KEM output and the context; `random` is 32 random bytes."""
    ephemeral = derive_private_key(random)
    output = public_key(ephemeral)
    return output, Context(shared_secret(ephemeral, public), output, public, info)


def setup_receiver(kem_output, private, info):
    return Context(shared_secret(private, kem_output), kem_output, public_key(private), info)

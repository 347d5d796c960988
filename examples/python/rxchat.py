"""Invites, keys, tokens and envelopes of docs/protocol.md, in plain Python with the package cryptography."""

import base64
import hashlib
import json
import os
import random
import re
import socket
import time
import urllib.parse

from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PLAINTEXT_LIMIT = 49_087
PADDINGS = [512 * 2**k for k in range(7)] + [PLAINTEXT_LIMIT]
LABEL = b"rxchat/1 message\n"


def text64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw64(text, size):
    """Decodes canonical base64url of the given length in bytes, or returns None."""
    if not isinstance(text, str) or len(text) != -(-size * 4 // 3) or not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        return None
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return raw if text64(raw) == text else None


def read_relay(url):
    """Parses host and port of a relay."""
    url = urllib.parse.urlsplit(url)
    if url.scheme != "rxchat" or not url.hostname or "@" in url.netloc or url.path not in ("", "/") or url.query:
        raise ValueError("this is no invite")
    return url.hostname, 55555 if url.port is None else url.port


def read_values(invite, names):
    """Parses the relays and the secret of an invite, and the values after it, which must have these names."""
    head, *values = invite.strip().split(",")
    url, _, secret = head.partition("#")
    found = dict(value.split("=", 1) for value in values if "=" in value)
    if raw64(secret, 32) is None or len(found) < len(values) or "?" in url or not found.keys() <= {"relays", *names}:
        raise ValueError("the secret of the invite is missing, cut off or changed, or more stands behind it")
    others = found["relays"].split("+") if "relays" in found else []
    return [read_relay(url), *(read_relay(f"rxchat://{other}") for other in others)], raw64(secret, 32), found


def read_invite(invite):
    """Parses the relays and the secret of an invite without a pin and without a passphrase."""
    relays, secret, _ = read_values(invite, ())
    return relays, secret


def read_group_invite(invite):
    """Parses the relays and the secret of the invite to a group room, and the hash of its group id."""
    relays, secret, values = read_values(invite, ("group",))
    group = raw64(values.get("group"), 32)
    if group is None:
        raise ValueError("this is no invite to a group room, or its group is cut off or changed")
    return relays, secret, group


def connect(relays):
    """Connects to one of the relays of an invite: tries them in random order."""
    *others, last = random.sample(relays, len(relays))
    for relay in others:
        try:
            return socket.create_connection(tuple(relay), timeout=30)
        except OSError:
            pass
    return socket.create_connection(tuple(last), timeout=30)


class Room:
    """The keys derived from the secret of an invite."""

    def __init__(self, secret):
        def derive(label):
            return HKDF(SHA256(), 32, None, label).derive(secret)

        self._signing = Ed25519PrivateKey.from_private_bytes(derive(b"rxchat/1 room signing key"))
        self.fernet = Fernet(base64.urlsafe_b64encode(derive(b"rxchat/1 room fernet key")))
        self.outer = Fernet(base64.urlsafe_b64encode(derive(b"rxchat/2 outer fernet key")))  # in a group room
        self.name = text64(self._signing.public_key().public_bytes_raw())

    def hello(self, nonce, nick, last, after=None):
        """Returns the answer to NICK for a connection without TLS."""
        session = text64(os.urandom(16))
        signed = "\n".join(["rxchat/1 join", nonce, self.name, session, "", nick])
        proof = text64(self._signing.sign(signed.encode()))
        start = f"last={last}" if after is None else f"after={after}"
        return f"NICK {nick} room={self.name} session={session} proof={proof} {start}"


def write_body(nick, text, own, seen):
    """Returns the envelope of a message without its signature; `own` names its sender and numbers it."""
    envelope = {"kind": "message", "nick": nick, "text": text, **own, "time": time.time_ns() // 1_000_000, "seen": seen}
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()[:-1]


class Author:
    """A sender: one session of one key, with its counters."""

    def __init__(self, nick, room):
        self.nick, self._room, self._signing = nick, room, Ed25519PrivateKey.generate()
        self._own = {
            "key": text64(self._signing.public_key().public_bytes_raw()),
            "session": text64(os.urandom(16)),
        }
        self._counter = self._stored = 0
        self.pending = {}  # tokens that did not come back yet, and their numbers

    def seal(self, text, seen):
        """Returns a token with a signed envelope; `seen` states what was read."""
        number = self._counter + 1
        own = {"room": self._room.name, **self._own, "counter": number, "stored": self._stored}
        body = write_body(self.nick, text, own, seen)
        plaintext = b'%s,"signature":"%s"}' % (body, text64(self._signing.sign(LABEL + body)).encode())
        size = next((each for each in PADDINGS if each >= len(plaintext)), None)
        if size is None:
            raise ValueError(f"the message is too long: its envelope has more than {PLAINTEXT_LIMIT} bytes")
        token = self._room.fernet.encrypt_at_time(plaintext.ljust(size), int(time.time()) // 60 * 60).decode()
        self._counter = self.pending[token] = number
        return token

    def receive(self, token):
        """Records an echo; returns how many earlier tokens were not stored, because they did not come back."""
        if token not in self.pending:
            return 0
        lost = list(self.pending).index(token)
        for each in list(self.pending)[: lost + 1]:
            number = self.pending.pop(each)
        self._stored = number if lost == 0 and self._stored == number - 1 else self._stored
        return lost


def open_token(token, room):
    """Opens and verifies the envelope in a token, its texts as `lines`; raises ValueError if it cannot be trusted."""
    if base64.urlsafe_b64encode(base64.urlsafe_b64decode(token)) != token.encode():
        raise ValueError("malformed")
    try:
        plaintext = room.fernet.decrypt(token).rstrip(b" ")
    except InvalidToken:
        raise ValueError("wrong key or tampered") from None
    end = re.fullmatch(rb',"signature":"([A-Za-z0-9_-]{86})"\}', plaintext[-102:])
    try:
        envelope = json.loads(plaintext.decode(), parse_constant=no_constant)
    except (ValueError, RecursionError):
        envelope = None
    if end is None or not is_envelope(envelope):
        raise ValueError("not an envelope")
    try:
        raw = raw64(envelope["key"], 32)
        if is_small_order(raw):
            raise InvalidSignature
        key = Ed25519PublicKey.from_public_bytes(raw)
        key.verify(raw64(end[1].decode(), 64) or b"", LABEL + plaintext[:-102])
    except (InvalidSignature, ValueError):
        raise ValueError("bad-signature") from None
    if envelope["room"] != room.name:
        raise ValueError("other-room")
    return envelope | {"lines": lines_of(envelope)}


class Reading:
    """The digests of the newest entries of a log, as many as one hash covers."""

    def __init__(self, log, position):
        self.log, self.position, self._digests = log, position, []

    def take(self, line):
        self._digests = [*self._digests[-1023:], hashlib.sha256(line.encode()).digest()]
        self.position += 1

    def skip(self, position):
        self.position, self._digests = position, []

    def seen(self):
        hash = hashlib.sha256(b"".join(self._digests)).digest()
        return [self.log, self.position - len(self._digests), self.position - 1, text64(hash)]


def parts_of(low, high):
    """Returns the number of hashes in a `seen` about these entries."""
    if high - low < 1024:
        return 1
    count, start = 0, low
    while start <= high:
        length = 64
        if (start - 1) % 64 or start + 63 > high:
            length = min(64 - (start - 1) % 64, high - start + 1)
        else:
            while (start - 1) % (2 * length) == 0 and start + 2 * length - 1 <= high:
                length *= 2
        count, start = count + 1, start + length
    return count


def is_small_order(key):
    """Returns whether anyone could make a signature under this public key."""
    p, half = 2**255 - 19, 2**255
    eighth = int.from_bytes(raw64("JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU", 32), "little")
    return int.from_bytes(key, "little") % half % p in (0, 1, p - 1, eighth, p - eighth)


def no_constant(name):
    raise ValueError(f"{name} is no JSON")


def is_envelope(e, names=(("room", 32), ("key", 32), ("session", 16))):
    """Returns whether an object is an envelope; `names` are its random values and keys."""

    def whole(number, low, high):
        return type(number) in (int, float) and low <= number <= high and number == int(number)

    def is_seen(seen):
        log, low, high, *hashes = seen if isinstance(seen, list) and len(seen) >= 4 else [None] * 3
        is_log = isinstance(log, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", log) is not None
        if not is_log or not whole(low, 1, 2**53 - 1):
            return False
        if not whole(high, low - 1, min(low + 2**20 - 1, 2**53 - 1)):
            return False
        count = parts_of(int(low), int(high))
        return len(hashes) >= count and all(raw64(each, 32) is not None for each in hashes[:count])

    if not isinstance(e, dict) or e.get("kind") != "message":
        return False
    lines = lines_of(e)
    return (
        (isinstance(lines, list) and 1 <= len(lines) <= 4096 and all(isinstance(line, str) for line in lines))
        and (isinstance(e.get("nick"), str) and 1 <= len(e["nick"]) <= 32)
        and all(raw64(e.get(name), size) for name, size in names)
        and (whole(e.get("counter"), 1, 2**53 - 1) and whole(e.get("time"), 0, 8_640_000_000_000_000))
        and whole(e.get("stored"), 0, e["counter"] - 1)
        and ("seen" not in e or is_seen(e["seen"]))
        and isinstance(e.get("act", ""), str)
    )


def lines_of(e):
    return [e.get("text")] if e.get("lines") is None else e["lines"]

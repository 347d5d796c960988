"""The group of docs/protocol.md, section 14: leaves, commits, the key schedule and group infos. Knows no relay."""

import hmac
import os
from dataclasses import dataclass, replace
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

import hpke
from rxchat import is_small_order

ZEROS = bytes(32)


def u8(number):
    return number.to_bytes(1, "big")


def u16(number):
    return number.to_bytes(2, "big")


def u32(number):
    return number.to_bytes(4, "big")


def u64(number):
    return number.to_bytes(8, "big")


def var(data):
    """Formats `bytes` of the text: the number of octets, then the octets."""
    return u32(len(data)) + data


def listed(items):
    return u16(len(items)) + b"".join(items)


class Reader:
    """Reads values one after the other; every method raises ValueError for bytes in another format."""

    def __init__(self, data):
        self._data = data

    def take(self, size):
        if size > len(self._data):
            raise ValueError("the bytes are too short")
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def var(self):
        return self.take(self.number(4))

    def list(self, read):
        return [read() for _ in range(self.number(2))]

    def optional(self, read):
        return read() if self.one_of(0, 1) else None

    def one_of(self, *values):
        value = self.number(1)
        if value not in values:
            raise ValueError("unknown version, type or flag")
        return value

    def rest(self):
        return self.take(len(self._data))

    def end(self):
        if self._data:
            raise ValueError("bytes after the end")


def parse(data, read):
    """Reads all of the bytes with a function of a Reader."""
    reader = Reader(data)
    value = read(reader)
    reader.end()
    return value


def verify(key, message, signature):
    """Raises ValueError unless the signature is valid."""
    try:
        if is_small_order(key):
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        raise ValueError("invalid signature") from None


def labelled(label, content):
    def vector(x):
        size = len(x)
        return (u8(size) if size < 2**6 else u16(2**14 + size) if size < 2**14 else u32(2**31 + size)) + x

    return vector(b"rxchat/2 " + label) + vector(content)


def expand_with_label(secret, label, context):
    return hpke.expand(secret, u16(32) + labelled(label, context))


def derive_secret(secret, label):
    return expand_with_label(secret, label, b"")


def read_leave(reader):
    return reader.take(32), reader.number(4), reader.take(64)


class Device:
    """The signature key of a device, with the credential by which an identity certifies it."""

    def __init__(self, seed, identity, label):
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = self._key.public_key().public_bytes_raw()
        signature = identity.sign(b"rxchat/2 device\n" + self.key + label.encode())
        self.credential = b"\1" + identity.public_key().public_bytes_raw() + signature + label.encode()

    def sign(self, message):
        return self._key.sign(message)

    def sign_with_label(self, label, content):
        return self.sign(labelled(label, content))


@dataclass(frozen=True)
class Leaf:
    index: int
    device: bytes
    encryption_key: bytes
    credential: bytes

    identity = property(lambda self: self.credential[1:33])
    label = property(lambda self: self.credential[97:].decode())

    @staticmethod
    def read(reader):
        return Leaf(reader.number(2), reader.take(32), reader.take(32), reader.var())

    def format(self):
        return u16(self.index) + self.device + self.encryption_key + var(self.credential)

    def check_credential(self):
        if self.credential[:1] != b"\1" or not 97 <= len(self.credential) <= 161:
            raise ValueError("invalid credential")
        self.label  # UnicodeDecodeError, which is a ValueError
        message = b"rxchat/2 device\n" + self.device + self.credential[97:]
        verify(self.identity, message, self.credential[33:97])


@dataclass(frozen=True)
class Group:
    """A public group: what the members agree on, without the keys."""

    id: bytes
    epoch: int
    leaves: tuple
    transcript: bytes
    tag: bytes = b""

    @staticmethod
    def read(reader):
        reader.one_of(1)
        group = Group(
            reader.var(), reader.number(4), tuple(reader.list(lambda: Leaf.read(reader))), reader.take(32), reader.take(32)
        )
        indexes = [leaf.index for leaf in group.leaves]
        keys = [{leaf.device for leaf in group.leaves}, {leaf.encryption_key for leaf in group.leaves}]
        is_valid = 1 <= len(indexes) <= 1024 and indexes == sorted(set(indexes))
        if not is_valid or group.epoch > 2**32 - 2 or any(len(each) < len(indexes) for each in keys):
            raise ValueError("the leaves are out of order, too many, or share a key")
        for leaf in group.leaves:
            leaf.check_credential()
        return group

    def format(self):
        return b"\1" + var(self.id) + u32(self.epoch) + self._leaves() + self.transcript + self.tag

    def _leaves(self):
        return listed([leaf.format() for leaf in self.leaves])

    def context(self):
        return b"\1" + var(self.id) + u32(self.epoch) + sha256(self._leaves()).digest() + self.transcript

    def leaf(self, index):
        """Returns the leaf at an index; raises ValueError if there is none."""
        for leaf in self.leaves:
            if leaf.index == index:
                return leaf
        raise ValueError("no such leaf")

    def without(self, indexes):
        return [leaf for leaf in self.leaves if leaf.index not in indexes]

    def after(self, removed, leaf):
        """Returns the group after a commit, with the transcript before it."""
        leaves = sorted([*self.without([*removed, leaf.index]), leaf], key=lambda each: each.index)
        return Group(self.id, self.epoch + 1, tuple(leaves), self.transcript)

    def transcript_after(self, content, signature):
        interim = sha256(self.transcript + self.tag).digest()
        return sha256(interim + var(content) + signature).digest()


@dataclass(frozen=True)
class Commit:
    group_id: bytes
    epoch: int
    removed: list
    data: bytes
    leaf: Leaf
    external_init: bytes | None
    secrets: list
    content: bytes = b""
    signature: bytes = b""
    tag: bytes = b""

    @staticmethod
    def read(data):
        content, signature, tag = parse(data, lambda reader: (reader.var(), reader.take(64), reader.take(32)))

        def read(reader):
            reader.one_of(1)
            is_external = reader.one_of(1, 2) == 2
            values = reader.var(), reader.number(4), reader.list(lambda: reader.number(2)), reader.var()
            leaf, init = Leaf.read(reader), reader.take(32) if is_external else None
            secrets = reader.list(lambda: (reader.take(32), reader.take(48)))
            return Commit(*values, leaf, init, secrets, content, signature, tag)

        return parse(content, read)

    def format_content(self):
        head = b"\1" + (b"\1" if self.external_init is None else b"\2") + var(self.group_id) + u32(self.epoch)
        body = listed([u16(index) for index in self.removed]) + var(self.data) + self.leaf.format()
        return head + body + (self.external_init or b"") + listed([output + sealed for output, sealed in self.secrets])

    def format(self):
        return var(self.content) + self.signature + self.tag

    def check(self, group):
        """Does the steps 1 to 5; returns the next group."""
        if self.group_id != group.id or self.epoch != group.epoch:
            raise ValueError("wrong group or epoch")
        if self.removed != sorted(set(self.removed)) or not {*self.removed} <= {leaf.index for leaf in group.leaves}:
            raise ValueError("invalid removal")
        if any(leaf.encryption_key == self.leaf.encryption_key for leaf in group.leaves):
            raise ValueError("the encryption key is in use")
        hpke.shared_secret(b"\1" * 32, self.leaf.encryption_key)
        remaining = group.without(self.removed)
        if self.external_init is None:
            if replace(self.leaf, encryption_key=b"") not in [replace(leaf, encryption_key=b"") for leaf in remaining]:
                raise ValueError("not the committer's leaf")
        else:
            if self.leaf.index != free_index(remaining) or self.leaf.device in [leaf.device for leaf in remaining]:
                raise ValueError("not a free leaf, or the device is a member")
            self.leaf.check_credential()
        after = group.after(self.removed, self.leaf)
        if len(self.secrets) != len(after.leaves) - 1:
            raise ValueError("not one secret for each other leaf")
        verify(self.leaf.device, labelled(b"commit", group.context() + self.content), self.signature)
        return replace(after, transcript=group.transcript_after(self.content, self.signature), tag=self.tag)


def free_index(leaves):
    return next(index for index in range(len(leaves) + 1) if index not in [leaf.index for leaf in leaves])


@dataclass(frozen=True)
class Member:
    """A group with the keys of one of its members."""

    group: Group
    index: int
    private: bytes
    init: bytes
    exporter: bytes
    external: bytes
    authenticator: bytes

    leaf = property(lambda self: self.group.leaf(self.index))
    external_private = property(lambda self: hpke.derive_private_key(self.external))

    def export(self, label, context=None):
        hashed = sha256(self.group.id if context is None else context).digest()
        return expand_with_label(derive_secret(self.exporter, label), b"exported", hashed)

    def apply(self, commit):
        """Returns the member after the commit of another one; raises ValueError if the commit is invalid."""
        after = commit.check(self.group)
        recipients = [leaf.index for leaf in after.leaves if leaf.index != commit.leaf.index]
        if self.index not in recipients:
            raise ValueError("there is no secret for this leaf")
        output, sealed = commit.secrets[recipients.index(self.index)]
        context = replace(after, transcript=self.group.transcript).context()
        secret = hpke.setup_receiver(output, self.private, labelled(b"commit secret", context)).open(sealed)
        init = self.init
        if commit.external_init is not None:
            init = export_init(hpke.setup_receiver(commit.external_init, self.external_private, b""))
        member = enter(after, self.index, self.private, init, secret)
        if not hmac.compare_digest(member.group.tag, commit.tag):
            raise ValueError("invalid confirmation tag")
        return member

    def commit(self, device, removed, data, random=os.urandom):
        """Returns a commit and the member after it."""
        return stage(self.group, device, self.index, removed, data, (None, self.init), random)


def export_init(context):
    return context.export(b"rxchat/2 external init secret")


def enter(group, index, private, init, commit_secret):
    """Derives the keys of an epoch, and the confirmation tag of its group."""
    joiner = expand_with_label(hpke.extract(init, commit_secret), b"joiner", group.context())
    epoch = expand_with_label(hpke.extract(joiner, ZEROS), b"epoch", group.context())
    labels = (b"init", b"exporter", b"external", b"authentication")
    tag = hmac.digest(derive_secret(epoch, b"confirm"), group.transcript, "sha256")
    return Member(replace(group, tag=tag), index, private, *(derive_secret(epoch, label) for label in labels))


def create(group_id, device, random=os.urandom):
    """Returns the first member of a new group."""
    private = hpke.derive_private_key(random(32))
    leaf = Leaf(0, device.key, hpke.public_key(private), device.credential)
    return enter(Group(group_id, 0, (leaf,), ZEROS), 0, private, random(32), random(32))


def stage(group, device, index, removed, data, init, random):
    private, secret = hpke.derive_private_key(random(32)), random(32)
    leaf = Leaf(index, device.key, hpke.public_key(private), device.credential)
    after = group.after(removed, leaf)
    info = labelled(b"commit secret", after.context())
    senders = [hpke.setup_sender(each.encryption_key, info, random(32)) for each in after.without([index])]
    secrets = [(output, context.seal(secret)) for output, context in senders]
    external_init, init_secret = init
    commit = Commit(group.id, group.epoch, removed, data, leaf, external_init, secrets)
    content = commit.format_content()
    signature = device.sign_with_label(b"commit", group.context() + content)
    after = replace(after, transcript=group.transcript_after(content, signature))
    member = enter(after, index, private, init_secret, secret)
    return replace(commit, content=content, signature=signature, tag=member.group.tag), member


@dataclass(frozen=True)
class Info:
    """A group info: what a newcomer needs."""

    group: Group
    external_key: bytes
    data: bytes
    signer: int

    @staticmethod
    def read(data):
        reader = Reader(data)
        group = Group.read(reader)
        return Info.read_update(group, reader.rest())

    @staticmethod
    def read_update(group, data):
        """Reads the update for a group whose leaves are known."""

        def read(reader):
            reader.one_of(1)
            return Info(group, reader.take(32), reader.var(), reader.number(2)), reader.take(64)

        info, signature = parse(data, read)
        verify(group.leaf(info.signer).device, labelled(b"group info", info._signed()), signature)
        return info

    def _signed(self):
        return self.group.context() + self.group.tag + self.external_key + var(self.data) + u16(self.signer)

    def format_update(self, device):
        signature = device.sign_with_label(b"group info", self._signed())
        return b"\1" + self.external_key + var(self.data) + u16(self.signer) + signature

    def format(self, device):
        return self.group.format() + self.format_update(device)

    def join(self, device, removed, data, random=os.urandom):
        """Returns an external commit and the member after it."""
        output, context = hpke.setup_sender(self.external_key, b"", random(32))
        index = free_index(self.group.without(removed))
        return stage(self.group, device, index, removed, data, (output, export_init(context)), random)


def info_of(member, data):
    return Info(member.group, hpke.public_key(member.external_private), data, member.index)

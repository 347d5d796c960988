"""A device in a group room of docs/protocol.md, section 14: frames, rules, message keys, and what each entry means."""

import base64
import hmac
import json
import os
from dataclasses import dataclass, replace
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken

import hpke
from group import Commit, Group, Info, Member, create, info_of, listed, parse, read_leave, u8, u16, u32, u64, var, verify
from rxchat import PADDINGS, is_envelope, lines_of, no_constant, raw64, text64

MESSAGE, EXTERNAL, CREATE, COMMIT, INFO, LEAVE = range(6)
LOOK_AHEAD, MEMBERS, QUIET_ENTRIES, LEAVE_EPOCHS = 1024, 200, 32, 16
BODIES = {
    MESSAGE: lambda r: (r.number(4), (r.number(2), r.one_of(0, 1, 2, 3)), r.number(4), r.rest()),
    EXTERNAL: lambda r: (r.number(4), r.take(32), r.number(4), r.rest()),
    CREATE: lambda r: r.rest(),
    COMMIT: lambda r: (r.var(), r.var(), r.var()),
    INFO: lambda r: r.rest(),
    LEAVE: read_leave,
}


def format_frame(kind, body):
    frame = b"\2" + u8(kind) + var(body)
    size = next((each for each in PADDINGS if each >= len(frame)), None)
    if size is None:
        raise ValueError(f"the message is too long: its frame has more than {PADDINGS[-1]} bytes")
    return frame.ljust(size, b"\0")


def read_frame(plaintext):
    kind, body = parse(plaintext, lambda r: (r.one_of(2) and r.one_of(*BODIES), (r.var(), r.rest())[0]))
    if format_frame(kind, body) != plaintext:
        raise ValueError("invalid padding")
    return kind, parse(body, BODIES[kind]), body


def fernet(key):
    return Fernet(base64.urlsafe_b64encode(key))


def encrypt(key, plaintext, time):
    """Returns a Fernet token as bytes."""
    return base64.urlsafe_b64decode(fernet(key).encrypt_at_time(plaintext, time))


def decrypt(key, token):
    try:
        return fernet(key).decrypt(base64.urlsafe_b64encode(token))
    except InvalidToken:
        raise ValueError("wrong key or tampered") from None


@dataclass(frozen=True)
class Data:
    """The data of a commit."""

    grant: tuple | None = None
    leaves: tuple = ()
    secret_hash: bytes | None = None

    @staticmethod
    def read(data):
        return parse(
            data,
            lambda r: r.one_of(1)
            and Data(
                r.optional(lambda: (r.number(4), r.take(64))),
                tuple(r.list(lambda: read_leave(r))),
                r.optional(lambda: r.take(32)),
            ),
        )

    def format(self):
        leaves = listed([device + u32(last) + signature for device, last, signature in self.leaves])
        return b"\1\0" + leaves + (b"\0" if self.secret_hash is None else b"\1" + self.secret_hash)


def hash_secret(secret):
    return sha256(b"rxchat/2 invite secret\n" + secret).digest()


def leave_message(group_id, device, last):
    return b"rxchat/2 leave\n" + var(group_id) + device + u32(last)


def is_valid(key, message, signature):
    try:
        verify(key, message, signature)
    except ValueError:
        return False
    return True


def check_rules(group, commit, committer, entries):
    """Raises ValueError if a valid commit is not allowed; `entries` lie between it and the commit of `committer`."""
    data, own = Data.read(commit.data), commit.leaf.identity
    removed = [group.leaf(index) for index in commit.removed]
    others = [leaf for leaf in removed if leaf.identity != own]
    if commit.external_init is not None:
        if data != Data():
            raise ValueError("a newcomer with data")
        if others:
            raise ValueError("a newcomer removes another person")
        if len(group.leaves) - len(removed) >= MEMBERS:
            raise ValueError("the group is full")
        return
    moves = data.secret_hash is not None
    if not removed and not moves and committer == own and entries < QUIET_ENTRIES:
        raise ValueError("the previous commit is too recent")
    rule, creator = group.id[1], group.id[2:34]
    last, signature = data.grant or (-1, b"")
    grant = b"rxchat/2 removal grant\n" + var(group.id) + own + u32(max(last, 0))
    if rule == 1 or own == creator or (group.epoch <= last and is_valid(creator, grant, signature)):
        return

    def is_leaving(leaf):
        return any(
            device == leaf.device and group.epoch <= last and is_valid(device, leave_message(group.id, device, last), signed)
            for device, last, signed in data.leaves
        )

    if moves or not all(map(is_leaving, others)):
        raise ValueError("no right to remove")


@dataclass(frozen=True)
class Chain:
    """The message keys of one sender from a generation on."""

    key: bytes
    generation: int = 0

    def next(self):
        return Chain(hmac.digest(self.key, b"\2", "sha256"), self.generation + 1)

    def message_key(self):
        return hmac.digest(self.key, b"\1", "sha256")

    def at(self, generation):
        """Returns the chain from a later generation on, which it expects within its limit."""
        if not 0 <= generation - self.generation < LOOK_AHEAD:
            raise ValueError("the key of this message was used before, or is too far ahead")
        chain = self
        while chain.generation < generation:
            chain = chain.next()
        return chain


MEMBER_DOMAIN, EXTERNAL_DOMAIN = b"rxchat/2 message\n", b"rxchat/2 external message\n"


def seal(domain, sign, group_id, head, key, body, time):
    signature = text64(sign(domain + var(group_id) + head + body)).encode()
    return head + encrypt(key, b'%s,"signature":"%s"}' % (body, signature), time)


def open_envelope(domain, signer, group_id, head, key, token):
    """Decrypts and verifies an envelope; `signer` finds the key in its fields."""
    plaintext = decrypt(key, token)
    try:
        envelope = json.loads(plaintext.decode(), parse_constant=no_constant)
        signature = raw64(envelope["signature"], 64)
        if plaintext[-102:] != b',"signature":"%s"}' % text64(signature).encode():
            raise ValueError
        verify(signer(envelope), domain + var(group_id) + head + plaintext[:-102], signature)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("bad-signature") from None
    return envelope


class ExternalSender:
    """Sends to the members of one epoch, and is not one."""

    def __init__(self, info, identity):
        self._identity, self._group, self.epoch = identity, info.group, info.group.epoch
        context = b"rxchat/2 external sender\n" + info.group.id + u32(info.group.epoch)
        self._key, shared = hpke.setup_sender(info.data[:32], context, os.urandom(32))
        self._chain = Chain(shared.export(b"message ratchet"))
        self.fields = {"key": text64(identity.public_key().public_bytes_raw())}

    def seal(self, body, time):
        chain, self._chain = self._chain, self._chain.next()
        head = u32(self._group.epoch) + self._key + u32(chain.generation)
        sealed = seal(EXTERNAL_DOMAIN, self._identity.sign, self._group.id, head, chain.message_key(), body, time)
        return format_frame(EXTERNAL, sealed)


@dataclass
class Pending:
    """A handshake of this device without an echo, and what it becomes by it."""

    frame: bytes
    handshake: bytes
    epoch: int
    member: Member
    secret: bytes | None = None


class GroupRoom:
    """A newcomer or a member. `take` reads the log; `create`, `join` and `commit` return frames to send."""

    fields = {}  # what the envelope of a member has besides the message

    def __init__(self, group_hash, device):
        self._hash, self._device = group_hash, device
        self.info = self.member = self.pending = self.committer = None
        self.start = self.base = self.position = 0
        self.followed = []  # the positions of the commits since the last group info, and the epochs that they ended
        self.early, self.dropped = [], 0  # the newest commits before any group info, and the last position dropped
        self.needed_at = 0  # the entry for which newcomers need a group info
        self.has_moved = self.has_ended = self.needs_info = self.is_withdrawn = False
        self.leaving = {}
        self.info_at = 0, 0  # the position and the epoch of the newest right group info

    @property
    def group(self):
        return self.member.group if self.member else self.info and self.info.group

    def take(self, position, plaintext):
        """Reads a frame; returns what it means as a list of tuples. Raises ValueError if it counts for nobody."""
        kind, fields, body = read_frame(plaintext)
        try:
            return self._take(position, kind, fields, body)
        finally:
            self.position = position

    def _take(self, position, kind, fields, body):
        if self.has_moved or self.has_ended:
            return [("void",)]
        if kind in (MESSAGE, EXTERNAL):
            if self.member:
                return self._take_message(kind, fields, body)
            return [] if self.group and fields[0] == self.group.epoch else [("void",)]
        if kind == COMMIT:
            return self._take_commit(position, *fields)
        if kind == LEAVE:
            return self._take_leave(*fields) if self.member else []
        return self._take_info(position, kind, fields)

    def _take_message(self, kind, fields, body):
        epoch, sender, generation, token = fields
        group, head = self.group, body[: len(body) - len(token)]
        if epoch != group.epoch:
            return [("void",) if epoch < group.epoch else ("behind",)]
        if kind == MESSAGE:
            leaf = group.leaf(sender[0])
            chain = self.chains[sender].at(generation)
            domain, signer, names = MEMBER_DOMAIN, lambda _: leaf.device, (("session", 16),)
        else:
            leaf, domain, names = None, EXTERNAL_DOMAIN, (("session", 16), ("key", 32))
            context = b"rxchat/2 external sender\n" + group.id + u32(epoch)
            chain = self.externals.get(sender) or Chain(
                hpke.setup_receiver(sender, self.external_private, context).export(b"message ratchet")
            )
            chain = chain.at(generation)

            def signer(envelope):
                return raw64(envelope["key"], 32)

        envelope = open_envelope(domain, signer, group.id, head, chain.message_key(), token)
        # Only now: other members know this chain.
        (self.externals if leaf is None else self.chains)[sender] = chain.next()
        for first in list(self.externals)[:-64]:
            del self.externals[first]
        if not is_envelope(envelope, names):
            raise ValueError("not an envelope")
        key = envelope["key"] if leaf is None else text64(leaf.identity)
        return [("message", envelope | {"key": key, "lines": lines_of(envelope)}, leaf is None)]

    def _take_commit(self, position, data, update, sealed):
        group, pending = self.group, self.pending
        if group is None:
            self.early.append((position, data, update, sealed))
            if len(self.early) > 32:
                self.dropped = self.early.pop(0)[0]
            raise ValueError("no group info yet")
        commit = Commit.read(data)
        if commit.group_id != group.id:
            raise ValueError("wrong group")
        if commit.epoch != group.epoch:
            return [("behind",) if self.member and commit.epoch > group.epoch else ("void",)]
        is_own = pending is not None and pending.handshake == data and pending.epoch == group.epoch
        after = commit.check(group)
        try:
            check_rules(group, commit, self.committer, position - self.start - 1)
        except ValueError:
            self.pending = None if is_own else pending
            raise
        moves, removed = Data.read(commit.data).secret_hash, [group.leaf(index) for index in commit.removed]
        if moves and update:
            raise ValueError("a move with a group info update")
        info = None if moves else Info.read_update(after, update)
        if self.member and self.member.index in commit.removed and not is_own:
            self.member, self.info = None, None
            return [("removed", commit.leaf)]
        if is_own:
            member = pending.member
        elif self.member:
            try:
                member = self.member.apply(commit)
            except ValueError:
                self.needs_info, self.needed_at = True, position  # newcomers may have followed it
                if commit.external_init is None:
                    self.has_ended = True
                    return [("behind",)]
                raise
        elif moves:
            self.info, self.pending, self.is_withdrawn = None, None, True
            self.followed.append((position, group.epoch))
            return []
        else:
            self.info, self.pending = info, None
            self.followed.append((position, group.epoch))
            self.committer, self.start = commit.leaf.identity, position
            return [("followed",)]
        key = self._begin(member, commit.leaf.identity, position)
        self.has_moved = moves is not None
        right = info_of(self.member, format_info_data(self.external_private))
        self.needs_info = info is not None and replace(info, signer=right.signer) != right
        change = "joined" if commit.external_init is not None else "removed" if removed else "renewed"
        events = [("epoch", change, commit.leaf, removed)]
        if moves:
            events.append(("moved", pending.secret if is_own else open_secret(key, sealed, moves)))
        return events

    def _take_leave(self, device, last, signature):
        leaf = next((leaf for leaf in self.group.leaves if leaf.device == device), None)
        verify(device, leave_message(self.group.id, device, last), signature)
        if leaf is None or last < self.group.epoch:
            raise ValueError("not a member that can leave")
        if device != self._device.key:
            self.leaving[device] = max((device, last, signature), self.leaving.get(device, (b"", 0, b"")))
        return [("leaving", leaf)]

    def _take_info(self, position, kind, data):
        info = Info.read(data)
        group, signer = info.group, info.group.leaf(info.signer).device
        if sha256(group.id).digest() != self._hash:
            raise ValueError("another group")
        if kind == CREATE and not (group.epoch == 0 and [leaf.identity for leaf in group.leaves] == [group.id[2:34]]):
            raise ValueError("not the creation of this group")
        read_at, origin = read_info_data(info.data)
        if self.member:
            right = info_of(self.member, self._info_data(read_at))
            if read_at < position and replace(info, signer=right.signer) == right:
                self.needs_info, self.info_at = self.needs_info and read_at < self.needed_at, (position, group.epoch)
                return []
            self.needs_info, self.needed_at = True, position
            known = [leaf.device for leaf in self.group.leaves if leaf.index != self.member.index]
            return [("behind",)] if group.epoch > self.group.epoch and signer in known else []
        if self.pending and self.pending.handshake == data and kind == CREATE and self.info is None:
            self._begin(self.pending.member, None, position)
            return [("epoch", "created", self.member.leaf, [])]
        is_known = self.info is None or (kind == INFO and signer in [leaf.device for leaf in self.group.leaves])
        signed_after = read_at if read_at < position else 0
        needed = max(self._branch(group.epoch), self.dropped)
        if is_known and group.epoch >= self.base and (kind == CREATE or signed_after >= needed):
            self.info, self.base, self.followed, self.is_withdrawn = info, group.epoch, [], False
            self.committer, self.start = origin or (None, 0)
            self._follow_early(signed_after if kind == INFO else position)
            if self.pending and (self.info is None or self.pending.epoch < self.info.group.epoch):
                self.pending = None
            return [("followed",)]
        return []

    def _follow_early(self, signed_after):
        """Follows the commits before the first group info of the log that its signer had not read."""
        early, pending, self.early, self.dropped, self.pending = self.early, self.pending, [], 0, None
        for position, *fields in early:
            if position > signed_after and self.info is not None:
                try:
                    self._take_commit(position, *fields)
                except ValueError:
                    pass  # it counts for nobody
        self.pending = pending

    def _branch(self, epoch):
        """Returns the position of the commit that a signer must have rejected if its group info is right."""
        for low in (epoch, epoch - 1):
            for position, ended in self.followed:
                if ended >= low:
                    return position
        return 0

    def _begin(self, member, committer, position):
        """Enters an epoch. Returns the key of a sealed invite secret."""
        ratchet, key = member.export(b"message ratchets"), member.export(b"invite secret")
        self.chains = {
            (leaf.index, slot): Chain(hpke.expand(ratchet, b"rxchat/2 message ratchet" + u16(leaf.index) + u8(slot)))
            for leaf in member.group.leaves
            for slot in range(4)
        }
        self.sending = self.chains[member.index, 0]
        self.external_private, self.externals = external_private(member), {}
        if self.member is None:
            self.info_at = position, member.group.epoch
        self.member, self.info, self.pending = replace(member, exporter=b""), None, None
        self.committer, self.start = committer, position
        devices = {leaf.device for leaf in member.group.leaves}
        self.leaving = {
            device: each for device, each in self.leaving.items() if device in devices and each[1] >= member.group.epoch
        }
        return key

    def _info_data(self, position):
        return format_info_data(self.external_private, position, self.committer, self.start)

    def change_log(self):
        """Reads another log from now on: of the next room, or of a relay that lost its log."""
        self.start = self.position = self.needed_at = 0
        self.has_moved, self.needs_info, self.info_at, self.followed = False, self.member is not None, (0, self.base), []
        self.early, self.dropped = [], 0
        if self.member:
            self.info_at = 0, self.group.epoch

    def create(self, group_id):
        member = create(group_id, self._device)
        info = info_of(member, format_info_data(external_private(member))).format(self._device)
        self.pending = Pending(format_frame(CREATE, info), info, 0, member)

    def join(self):
        """Makes the commit by which this device joins, and replaces its former leaf."""
        own, label = self._device.credential[1:33], self._device.credential[97:]
        removed = [
            leaf.index
            for leaf in self.group.leaves
            if leaf.identity == own and (leaf.device == self._device.key or leaf.credential[97:] == label)
        ]
        self._stage(*self.info.join(self._device, removed, Data().format()))

    def commit(self, position, removed=(), secret=None):
        """Makes a commit that removes leaves, moves the room to another invite, or only renews the keys."""
        devices = [self.group.leaf(index).device for index in removed]
        leaves = tuple(self.leaving[device] for device in devices if device in self.leaving)
        data = Data(None, leaves, secret and hash_secret(secret)).format()
        commit, member = self.member.commit(self._device, sorted(removed), data)
        check_rules(self.group, commit, self.committer, position - self.start - 1)
        self._stage(commit, member, secret)

    def _stage(self, commit, member, secret=None):
        if secret is None:
            data = format_info_data(external_private(member))
            update, sealed = info_of(member, data).format_update(self._device), b""
        else:
            update, sealed = b"", encrypt(member.export(b"invite secret"), secret, 0)
        frame = format_frame(COMMIT, var(commit.format()) + var(update) + var(sealed))
        self.pending = Pending(frame, commit.format(), commit.epoch, member, secret)

    def group_info(self):
        return format_frame(INFO, info_of(self.member, self._info_data(self.position)).format(self._device))

    def leave(self):
        last = self.group.epoch + LEAVE_EPOCHS
        signature = self._device.sign(leave_message(self.group.id, self._device.key, last))
        return format_frame(LEAVE, self._device.key + u32(last) + signature)

    def seal(self, body, time):
        chain, self.sending = self.sending, self.sending.next()
        head = u32(self.group.epoch) + u16(self.member.index) + u8(0) + u32(chain.generation)
        sealed = seal(MEMBER_DOMAIN, self._device.sign, self.group.id, head, chain.message_key(), body, time)
        return format_frame(MESSAGE, sealed)


def format_info_data(private, position=0, committer=None, start=0):
    origin = b"\0" if committer is None else b"\1" + committer + u64(start)
    return hpke.public_key(private) + u64(position) + origin


def read_info_data(data):
    """Returns the position and the origin in an info-data, or 0 and none if it is not in its format."""

    def number(reader):
        value = reader.number(8)
        if value >= 2**53:
            raise ValueError("not a position")
        return value

    try:
        return parse(data, lambda r: (r.take(32), number(r), r.optional(lambda: (r.take(32), number(r)))))[1:]
    except ValueError:
        return 0, None


def external_private(member):
    return hpke.derive_private_key(member.export(b"external senders"))


def open_secret(key, sealed, secret_hash):
    """Decrypts the secret of the next invite; None if it is not the one that the commit announced."""
    try:
        secret = decrypt(key, sealed)
    except ValueError:
        return None
    return secret if hmac.compare_digest(hash_secret(secret), secret_hash) else None

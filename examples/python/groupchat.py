"""A client of group rooms, written from docs/protocol.md: joins a group, sends, reads, removes and follows removals.

    python3 groupchat.py create HOST:PORT NICK STATE                      makes a room, prints its invite
    RXCHAT_INVITE='rxchat://...,group=...' python3 groupchat.py join NICK STATE
    RXCHAT_INVITE='rxchat://...,group=...' python3 groupchat.py send NICK STATE    is not a member, and cannot read

Says each line of standard input, and prints what is said. `/remove KEY` removes a person by the first characters of its
key, `/rotate` moves the room to another invite, `/renew` and `/leave` do what they are called, and `/invite` prints the
present invite. STATE is a file with secrets: the keys of the person and the device, and where it is in the room. Like
chat.py it does not come back by itself and has no TLS.
"""

import base64
import json
import os
import random
import sys
import time
from hashlib import sha256

from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chat import HEARTBEAT, WINDOW, Client, Over, converse, note, run, visible
from group import Device, Group, Member, parse
from grouproom import Chain, ExternalSender, GroupRoom, Pending
from rxchat import Room, connect, raw64, read_group_invite, read_invite, text64, write_body

INFO_ENTRIES, INFO_EPOCHS = 1024, 32


class State:
    """What a device keeps in its file."""

    def __init__(self, path):
        self._path = path
        self.values = json.load(open(path)) if os.path.exists(path) else {}
        for name in ("identity", "device"):
            self.values.setdefault(name, os.urandom(32).hex())
        self.identity = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.values["identity"]))
        self.device = Device(bytes.fromhex(self.values["device"]), self.identity, "python")

    def save(self, **values):
        """Writes the file whole, so that a crash leaves the former one or this one."""
        self.values |= values
        with open(os.open(f"{self._path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self.values, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(f"{self._path}.new", self._path)


def format_member(member):
    parts = member.private, member.init, member.exporter, member.external, member.authenticator
    return [member.group.format().hex(), member.index, *(part.hex() for part in parts)]


def parse_member(values):
    group, index, *parts = values
    return Member(parse(bytes.fromhex(group), Group.read), index, *map(bytes.fromhex, parts))


def format_chain(chain):
    return [chain.key.hex(), chain.generation]


def parse_chain(values):
    return Chain(bytes.fromhex(values[0]), values[1])


def format_group(group):
    """Returns the state of a GroupRoom for JSON; that of a newcomer is its pending handshake."""
    values = {}
    if group.pending:
        p = group.pending
        secret = p.secret and p.secret.hex()
        values["pending"] = [p.frame.hex(), p.handshake.hex(), p.epoch, format_member(p.member), secret]
    if group.member:
        values |= {
            "member": format_member(group.member),
            "chains": [[*sender, *format_chain(chain)] for sender, chain in group.chains.items()],
            "externals": [[sender.hex(), *format_chain(chain)] for sender, chain in group.externals.items()],
            "sending": format_chain(group.sending),
            "externalPrivate": group.external_private.hex(),
            "origin": [group.committer and group.committer.hex(), group.start, group.needs_info, group.needed_at, *group.info_at],
            "leaving": [[device.hex(), last, signed.hex()] for device, last, signed in group.leaving.values()],
        }
    return values


def load_group(group, values):
    if "pending" in values:
        frame, handshake, epoch, member, secret = values["pending"]
        raw = map(bytes.fromhex, (frame, handshake))
        group.pending = Pending(*raw, epoch, parse_member(member), secret and bytes.fromhex(secret))
    if "member" in values:
        group.member = parse_member(values["member"])
        group.chains = {(leaf, slot): parse_chain(chain) for leaf, slot, *chain in values["chains"]}
        group.externals = {bytes.fromhex(sender): parse_chain(chain) for sender, *chain in values["externals"]}
        group.sending = parse_chain(values["sending"])
        group.external_private = bytes.fromhex(values["externalPrivate"])
        committer, group.start, group.needs_info, group.needed_at, *info_at = values["origin"]
        group.committer, group.info_at = committer and bytes.fromhex(committer), tuple(info_at)
        statements = [(bytes.fromhex(device), last, bytes.fromhex(signed)) for device, last, signed in values["leaving"]]
        group.leaving = {each[0]: each for each in statements}


class GroupClient(Client):
    """A client of a group room. What it still has to write waits in `requests`, and for a handshake without an echo."""

    def __init__(self, nick, state, is_external):
        super().__init__(None, None, None, None)
        self.nick, self.state, self.is_external = nick, state, is_external
        values = state.values
        self.group = GroupRoom(bytes.fromhex(values["group"]), state.device)
        if not is_external:
            load_group(self.group, values.get("room", {}))
            self.group.position = (values.get("at") or (None, 0))[1]
        self.sender = self.group  # or an ExternalSender
        self.session, self.counter, self.stored = text64(os.urandom(16)), 0, 0
        self.unstored = {}  # tokens without an echo, and their bodies
        self.requests = []  # what the user wants, and bodies that wait for the next room
        self.attempts, self.sent_to, self.must_connect = 0, None, False
        self.is_leaving, self.left = False, None  # the log to which the statement was written
        self.due = None  # when to do what is still to do
        self.after = None
        self.connect()

    def connect(self):
        """Connects to the room of the present secret."""
        values = self.state.values
        if self.connection:
            self.say("BYE leaving 0")
            self.connection.close()
        self.room = Room(bytes.fromhex(values["secret"]))
        self.connection = connect(values["relays"])
        self._heard, self.reading, self.is_asked, self.must_connect = b"", None, False, False

    def answer(self, nonce):
        at = self.state.values.get("at") if self.group.member else None
        return self.room.hello(nonce, self.nick, 0, "*/0" if at is None else f"{at[0]}/{at[1]}")

    def enter(self, reading, after):
        at = self.state.values.get("at") if self.group.member else None
        if at is None or at[0] != reading.log:
            self.group.change_log()
        self.after = after
        super().enter(reading, after)
        self.plan(0)

    def save(self):
        if self.is_external:
            return
        at = self.reading and [self.reading.log, self.position - 1]
        self.state.save(room=format_group(self.group), at=at)

    # What arrives

    def hear(self, line):
        super().hear(line)
        if self.must_connect:
            self.connect()
        elif line[:1] in ("g", "+", "-"):
            self.plan(self.wait_of_turn())

    def show(self, token):
        try:
            plaintext = self.room.outer.decrypt(token)
            if base64.urlsafe_b64encode(base64.urlsafe_b64decode(token)) != token.encode():
                raise ValueError("malformed")
            events = self.group.take(self.position, plaintext)
        except (ValueError, InvalidToken) as reason:
            note(f"entry {self.position} counts for nobody: {reason or 'wrong key or tampered'}")
            return
        if token in self.unstored and ("void",) not in events:
            del self.unstored[token]
            self.stored += 1
        for event in events:
            self.handle(*event)

    def handle(self, kind, *values):
        if kind == "message":
            self.show_message(*values)
        elif kind == "epoch":
            change, by, removed = values
            self.attempts = 0
            names = ", ".join(self.name(leaf) for leaf in removed)
            note(f"epoch {self.group.group.epoch}: {self.name(by)} {change}{names and ' ' + names}")
            if change == "created":
                print(format_invite(self.state.values), flush=True)
            if by.device == self.state.device.key and self.requests and self.requests[0][0] != "body":
                self.requests.pop(0)
            self.requests = [each for each in self.requests if each[0] != "remove" or self.leaves_of(each[1])]
            self.seal_again()
        elif kind == "followed" and self.is_external:
            self.seal_again()
        elif kind == "moved":
            self.move(*values)
        elif kind == "leaving":
            note(f"{self.name(*values)} leaves")
        elif kind == "behind":
            note("a commit is missing here: this device joins again")
            self.group = GroupRoom(bytes.fromhex(self.state.values["group"]), self.state.device)
            self.sender = self.group
            self.state.save(room={}, at=None)
            self.must_connect = True
        elif kind == "removed":
            self.state.save(room={}, at=None)
            raise Over(f"{self.name(*values)} removed this device")

    def show_message(self, envelope, is_external):
        name = envelope["key"], envelope["session"], envelope["counter"]
        if name in self.shown:
            return
        self.shown.add(name)
        kind = " (not a member)" if is_external else ""
        for text in envelope["lines"]:
            print(f"{visible(envelope['nick'])} ({envelope['key'][:8]}){kind}: {visible(text)}", flush=True)

    def name(self, leaf):
        return f"{text64(leaf.identity)[:8]}/{visible(leaf.label)}"

    def move(self, secret):
        if secret is None:
            raise Over("the members moved to another invite, which this device could not decrypt")
        # What is not stored is sealed in the next room.
        self.state.save(secret=secret.hex(), room=format_group(self.group), at=None)
        note("the room has another invite now")
        self.must_connect = True

    # What is sent

    def is_busy(self):
        return bool(self.unstored or self.requests or self.group.pending) or self.is_leaving or not self.is_in()

    def is_in(self):
        """Whether it has read what was there, and can seal."""
        is_ready = self.group.info if self.is_external else self.group.member and not self.group.has_moved
        return bool(is_ready) and self.position is not None and self.position >= self.after

    def may_type(self):
        return self.is_in() and not self.requests and sum(map(len, self.unstored)) <= WINDOW

    def type(self, line):
        command, *words = line.split() or [line]
        if command == "/remove":
            if words and self.leaves_of(words[0]):
                self.request(("remove", words[0]))
            else:
                note("nobody has such a key")
        elif command in ("/rotate", "/renew"):
            self.request((command[1:], None))
        elif command == "/leave":
            self.is_leaving = True
            self.plan(0)
        elif command == "/invite":
            print(format_invite(self.state.values), flush=True)
        else:
            self.counter += 1
            fields = {**self.fields(), "session": self.session, "counter": self.counter, "stored": self.stored}
            self.seal(write_body(self.nick, line, fields, self.reading.seen()))

    def fields(self):
        if self.is_external:
            info = self.group.info
            if self.sender is self.group or self.sender.epoch != info.group.epoch:
                self.sender = ExternalSender(info, self.state.identity)
        return self.sender.fields

    def seal(self, body):
        self.fields()
        frame = self.sender.seal(body, minute())
        self.save()
        self.unstored[self.post(frame)] = body

    def seal_again(self):
        """Seals what the end of its epoch made void; after a move it waits for the next room."""
        bodies, self.unstored = list(self.unstored.values()), {}
        if self.group.has_moved or not self.is_in():
            self.requests = [("body", body) for body in bodies] + self.requests
        else:
            for body in bodies:
                self.seal(body)

    def post(self, frame):
        token = self.room.outer.encrypt_at_time(frame, minute()).decode()
        self.say(token)
        return token

    def request(self, request):
        self.requests.append(request)
        self.plan(0)

    def leaves_of(self, key):
        return [leaf.index for leaf in self.group.group.leaves if text64(leaf.identity).startswith(key)]

    def wait_of_turn(self):
        """A random time in seconds, so that not all members do the same at once."""
        return random.random() * min(0.06 * 2**self.attempts, 4)

    def plan(self, seconds):
        if self.due is None:
            self.due = time.monotonic() + seconds

    def wait(self):
        return HEARTBEAT if self.due is None else max(0, self.due - time.monotonic())

    def ask(self):
        if self.due is None:
            super().ask()
            return
        self.due = None
        if self.position is not None and self.position >= self.after:
            self.act()

    def act(self):
        """Writes the next thing that this device has to write, unless a handshake has no echo."""
        group = self.group
        if group.is_withdrawn:
            raise Over("this invite was withdrawn: ask somebody for the present one")
        if group.pending is None:
            leaving = self.member_leaves() if group.member else []
            if self.is_external:
                self.seal_bodies()
            elif group.member is None and group.info is None:
                pass
            elif group.member is None:
                group.join()
            elif self.requests and self.requests[0][0] == "body":
                self.seal_bodies()
            elif self.requests:
                self.commit(*self.requests[0])
            elif self.is_leaving and self.left != self.reading.log:
                self.left = self.reading.log
                self.post(group.leave())
            elif leaving:
                group.commit(self.position, leaving)
            elif self.should_post_info():
                self.post(group.group_info())
            if group.pending:
                self.attempts += 1
                self.send_pending()
        elif self.reading.log != self.sent_to:
            self.send_pending()

    def seal_bodies(self):
        bodies = [value for kind, value in self.requests if kind == "body"]
        self.requests = [each for each in self.requests if each[0] != "body"]
        for body in bodies:
            self.seal(body)

    def send_pending(self):
        self.save()
        self.sent_to = self.reading.log
        self.post(self.group.pending.frame)

    def commit(self, kind, value):
        try:
            if kind == "remove":
                self.group.commit(self.position, self.leaves_of(value), os.urandom(32))
            else:
                self.group.commit(self.position, (), os.urandom(32) if kind == "rotate" else None)
        except ValueError as reason:
            note(f"not possible: {reason}")
            self.requests.pop(0)

    def member_leaves(self):
        return [leaf.index for leaf in self.group.group.leaves if leaf.device in self.group.leaving]

    def should_post_info(self):
        position, epoch = self.group.info_at
        group = self.group
        is_old = self.position - position > INFO_ENTRIES or group.group.epoch - epoch >= INFO_EPOCHS
        return group.needs_info or is_old


def minute():
    return int(time.time()) // 60 * 60


def format_invite(values):
    secret, group = (text64(bytes.fromhex(values[name])) for name in ("secret", "group"))
    first, *others = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in values["relays"])
    return f"rxchat://{first}/#{secret},group={group}" + (f",relays={'+'.join(others)}" if others else "")


def main():
    mode, *words = sys.argv[1:]
    nick, path = words[-2:]
    state = State(path)
    if mode == "create":
        relays, secret = read_invite(f"rxchat://{words[0]}/#{text64(os.urandom(32))}")
        creator = state.identity.public_key().public_bytes_raw()
        group_id = b"\1\0" + creator + os.urandom(16)
        values = {"group": sha256(group_id).hexdigest(), "relays": relays, "secret": secret.hex()}
        state.save(**values, room={}, at=None)
    elif "group" not in state.values or "RXCHAT_INVITE" in os.environ and not state.values.get("room"):
        relays, secret, group = read_group_invite(os.environ["RXCHAT_INVITE"])
        state.save(group=group.hex(), relays=relays, secret=secret.hex(), room={}, at=None)
    client = GroupClient(nick, state, mode == "send")
    if mode == "create":
        client.group.create(group_id)
    converse(client)
    client.save()


if __name__ == "__main__":
    run(main)

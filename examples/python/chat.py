"""A client of rxchat/1, written from docs/protocol.md: joins a room, sends signed messages, reads and verifies.

    RXCHAT_INVITE='rxchat://127.0.0.1:55555/#...' python3 chat.py NICK [LAST]

Says each line of standard input, prints what is said, and ends once its input has and all of it is stored. It leaves out
what a client may: coming back, batches, and noticing lies but for signatures. It has no TLS, since the ssl module of
Python does not give out what the proof has to be bound to.
"""

import os
import re
import selectors
import socket
import sys

from rxchat import Author, Reading, Room, open_token, raw64, read_invite

LINE_LIMIT, WINDOW, HEARTBEAT = 65_536, 65_536, 15


class Over(Exception):
    """Why it ends."""


def note(text):
    print(f"chat: {text}", file=sys.stderr, flush=True)


def visible(text):
    """Text of other people, without what could steer a terminal."""
    return "".join(each if each.isprintable() else f"\\u{{{ord(each):x}}}" for each in text)


def fields(line):
    """The key=value words of a line; of two with one key the first counts."""
    return dict(reversed([word.split("=", 1) for word in line.split(" ") if "=" in word]))


class Client:
    def __init__(self, connection, room, author, last):
        self.connection, self.room, self.author, self.last = connection, room, author, last
        self.reading = None  # of the log, and the position of its next entry; none before WELCOME
        self.shown = set()
        self.is_asked = False  # whether the relay owes a PONG

    @property
    def position(self):
        return self.reading and self.reading.position

    def say(self, line):
        self.connection.sendall(line.encode() + b"\n")

    def hear(self, line):
        """One line of the relay."""
        if line[:1] in ("g", "+", "-") and self.position is not None:
            if line[0] == "g":
                self.show(line)
            self.reading.take(line)
            return
        verb, *words = line.split(" ")
        if not re.match("[A-Z]", verb) or (self.position is None and verb == "GAP"):
            raise Over("what is there does not speak rxchat/1")
        if verb == "NICK" and self.position is None:
            nonce = fields(line).get("nonce")
            if words[:1] != ["rxchat/1"] or raw64(nonce, 32) is None:
                raise Over("the relay speaks another version")
            self.say(self.room.hello(nonce, self.author.nick, self.last))
        elif verb == "WELCOME":
            log, start = fields(line)["log"], int(fields(line)["from"])
            if not re.fullmatch("[A-Za-z0-9_-]{1,64}", log) or start < 1:
                raise Over("the relay names no log")
            self.reading = Reading(log, start)
            note("in the room")
        elif verb in ("ERR", "BYE"):
            raise Over(f"the relay says: {visible(line)}")
        elif verb in ("PING", "PONG") and self.position is not None:
            if words != [str(self.position - 1)]:
                raise Over("a line was lost on the way")
            if verb == "PING":
                self.say(f"PONG {self.position - 1}")
        elif verb == "GAP":
            if words[0] != str(self.position):
                raise Over("the relay counts otherwise")
            note(f"entries {words[0]} to {words[1]} are no longer kept")
            self.reading.skip(int(words[1]) + 1)

    def show(self, token):
        lost = self.author.receive(token)
        if lost:
            note(f"{lost} of our messages are not stored")
        try:
            said = open_token(token, self.room)
        except ValueError as reason:
            note(f"entry {self.position} is no message: {reason}")
            return
        name = (said["key"], said["session"], said["counter"], said["signature"])
        if name in self.shown:
            return
        self.shown.add(name)
        for text in said["lines"]:
            print(f"{visible(said['nick'])} ({said['key'][:8]}): {visible(text)}", flush=True)

    def ask(self):
        """For when nothing came for a heartbeat."""
        if self.is_asked or self.position is None:
            raise Over("the relay is silent")
        self.is_asked = True
        self.say(f"PING {self.position - 1}")


def converse(client):
    """Until all of the input is stored."""
    heard = typed = b""
    is_open = True
    selector = selectors.DefaultSelector()
    selector.register(client.connection, selectors.EVENT_READ)
    while is_open or client.author.pending:
        may_say = client.position is not None and sum(map(len, client.author.pending)) <= WINDOW
        if is_open and may_say != (0 in selector.get_map()):
            selector.register(0, selectors.EVENT_READ) if may_say else selector.unregister(0)
        events = selector.select(HEARTBEAT)
        if not events:
            client.ask()
        for key, _ in events:
            if key.fd == 0:
                read = os.read(0, 4096)
                *lines, typed = (typed + read).split(b"\n") if read else [typed, b""]
                for line in filter(None, lines):
                    client.say(client.author.seal(line.decode(errors="replace"), client.reading.seen()))
                if not read:
                    is_open = False
                    selector.unregister(0)
            else:
                read = client.connection.recv(65_536)
                if not read:
                    raise Over("the connection was closed")
                client.is_asked = False
                *lines, heard = (heard + read).split(b"\n")
                for line in lines:
                    client.hear(line.decode())
                if len(heard) >= LINE_LIMIT:
                    raise Over("a line is too long")
    client.say("BYE leaving 0")


def main():
    nick, last = (*sys.argv[1:], "0")[:2]
    host, port, secret = read_invite(os.environ["RXCHAT_INVITE"])
    room = Room(secret)
    with socket.create_connection((host, port), timeout=30) as connection:
        converse(Client(connection, room, Author(nick, room), last))


try:
    main()
except (Over, OSError, ValueError) as reason:
    note(reason)
    sys.exit(1)

"""A client of rxchat/1, written from docs/protocol.md: joins a room, sends signed messages, reads and verifies.

    RXCHAT_INVITE='rxchat://127.0.0.1:55555/#...' python3 chat.py NICK [LAST]

Says each line of standard input, prints what is said, and ends once its input has and all of it is stored. It leaves out
what a client may: coming back, batches, and noticing lies but for signatures. It has no TLS, since the ssl module of
Python does not give out what the proof has to be bound to.
"""

import os
import re
import select
import sys

from rxchat import Author, Reading, Room, connect, open_token, raw64, read_invite

LINE_LIMIT, WINDOW, HEARTBEAT = 65_536, 65_536, 15


class Over(Exception):
    """The reason why the client ends."""


def note(text):
    print(f"chat: {text}", file=sys.stderr, flush=True)


def visible(text):
    """Returns other people's text without characters that could control a terminal."""
    return "".join(each if each.isprintable() else f"\\u{{{ord(each):x}}}" for each in text)


def fields(line):
    """Parses the key=value words of a line; the first of two with the same key counts."""
    return dict(reversed([word.split("=", 1) for word in line.split(" ") if "=" in word]))


class Client:
    def __init__(self, connection, room, author, last):
        self.connection, self.room, self.author, self.last = connection, room, author, last
        self.reading = None  # of the log, and the position of its next entry; none before WELCOME
        self.shown = set()
        self.is_asked = False  # whether the relay owes a PONG
        self._heard = b""

    @property
    def position(self):
        return self.reading and self.reading.position

    def is_busy(self):
        """Whether something has to happen before the client may end."""
        return bool(self.author.pending)

    def may_type(self):
        return self.position is not None and sum(map(len, self.author.pending)) <= WINDOW

    def type(self, line):
        self.say(self.author.seal(line, self.reading.seen()))

    def answer(self, nonce):
        return self.room.hello(nonce, self.author.nick, self.last)

    def read(self):
        """Handles what has arrived."""
        connection, read = self.connection, self.connection.recv(65_536)
        if not read:
            raise Over("the connection was closed")
        self.is_asked = False
        *lines, self._heard = (self._heard + read).split(b"\n")
        for line in lines:
            if self.connection is connection:  # and not of the next room
                self.hear(line.decode())
        if len(self._heard) >= LINE_LIMIT:
            raise Over("a line is too long")

    def say(self, line):
        self.connection.sendall(line.encode() + b"\n")

    def hear(self, line):
        """Handles one line of the relay."""
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
            self.say(self.answer(nonce))
        elif verb == "WELCOME":
            log, start, after = fields(line)["log"], int(fields(line)["from"]), int(fields(line)["next"])
            if not re.fullmatch("[A-Za-z0-9_-]{1,64}", log) or start < 1:
                raise Over("the relay names no log")
            self.enter(Reading(log, start), after)
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

    def enter(self, reading, after):
        """Begins to read; everything below the position `after` is in the log already."""
        self.reading = reading
        note("in the room")

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

    def wait(self):
        """How long nothing may arrive before `ask`, in seconds."""
        return HEARTBEAT

    def ask(self):
        """Sends a PING when nothing arrived for one heartbeat."""
        if self.is_asked or self.position is None:
            raise Over("the relay is silent")
        self.is_asked = True
        self.say(f"PING {self.position - 1}")


def converse(client):
    """Runs until all of the input is stored."""
    typed, lines, is_open = b"", [], True
    while is_open or lines or client.is_busy():
        while lines and client.may_type():
            client.type(lines.pop(0).decode(errors="replace"))
        may_read = is_open and not lines and client.may_type()
        sources = [client.connection, 0] if may_read else [client.connection]
        ready, _, _ = select.select(sources, [], [], client.wait())
        if not ready:
            client.ask()
        if client.connection in ready:
            client.read()
        elif 0 in ready:
            read = os.read(0, 4096)
            is_open = bool(read)
            *lines, typed = (typed + read).split(b"\n") if read else [typed, b""]
            lines = list(filter(None, lines))
    client.say("BYE leaving 0")


def main():
    nick, last = (*sys.argv[1:], "0")[:2]
    relays, secret = read_invite(os.environ["RXCHAT_INVITE"])
    room = Room(secret)
    with connect(relays) as connection:
        converse(Client(connection, room, Author(nick, room), last))


def run(main):
    try:
        main()
    except (Over, OSError, ValueError) as reason:
        note(reason)
        sys.exit(1)


if __name__ == "__main__":
    run(main)

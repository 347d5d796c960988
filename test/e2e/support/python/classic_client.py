"""A client of the classic wire as the older program was: what one recv gives is one message.

Usage: classic_client.py PORT NICK, the key in CHAT_KEY. Says each line of standard input; prints what it reads, one JSON
object a line: {"message": text}, {"notice": text} or {"garbled": bytes}. Ends with its input or with the server.
"""

import json
import os
import socket
import sys
import threading

from cryptography.fernet import Fernet, InvalidToken

TAKEN_AT_ONCE = 4096


def show(**what):
    print(json.dumps(what), flush=True)


def listen(connection, nick, fernet):
    while True:
        read = connection.recv(TAKEN_AT_ONCE)
        if not read:
            show(notice="(closed)")
            os._exit(0)
        if read == b"NICK":
            connection.sendall(nick.encode())
        elif read.startswith(b"gAAAAA"):
            try:
                show(message=fernet.decrypt(read).decode())
            except InvalidToken:
                show(garbled=len(read))
        else:
            show(notice=read.decode(errors="replace"))


def main():
    _, port, nick = sys.argv
    fernet = Fernet(os.environ["CHAT_KEY"])
    connection = socket.create_connection(("127.0.0.1", int(port)))
    threading.Thread(target=listen, args=(connection, nick, fernet), daemon=True).start()
    for line in sys.stdin:
        connection.sendall(fernet.encrypt(f"{nick}: {line.rstrip(chr(10))}".encode()))
    connection.close()


main()

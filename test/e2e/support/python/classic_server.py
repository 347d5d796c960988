"""A server of the classic wire as the older program was: what one recv gives is one message, and goes to everyone.

Usage: classic_server.py. Listens on a port of 127.0.0.1 that it picks and prints; prints who came and who went.
"""

import socket
import threading

TAKEN_AT_ONCE = 4096

guests = {}
lock = threading.Lock()


def tell_all(message):
    with lock:
        for each in list(guests):
            try:
                each.sendall(message)
            except OSError:
                pass


def serve(connection):
    nick = None
    try:
        connection.sendall(b"NICK")
        nick = connection.recv(1024).decode().strip()
        if not nick:
            return
        tell_all(f"{nick} joined the chat.".encode())
        connection.sendall(b"Connected to the server.")
        with lock:
            guests[connection] = nick
        print(f"joined {nick}", flush=True)
        while message := connection.recv(TAKEN_AT_ONCE):
            tell_all(message)
    except OSError:
        pass
    finally:
        with lock:
            was_in = guests.pop(connection, None) is not None
        connection.close()
        if was_in:
            tell_all(f"{nick} left the chat.".encode())
            print(f"left {nick}", flush=True)


def main():
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(f"listening on {listener.getsockname()[1]}", flush=True)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


main()

"""A listener in the place of a pool: it hears what nginx hands over, and answers or does not."""
import os
import pathlib
import socket
import struct
import threading

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
ANSWER = b"Status: 204 No Content\r\n\r\n"


def record(kind: int, data: bytes) -> bytes:
    return struct.pack(">BBHHxx", 1, kind, 1, len(data)) + data


def read_request(peer) -> dict[str, str]:
    """The parameters of one FastCGI request, read to its end."""
    params = b""
    while True:
        _, kind, _, length, padding = struct.unpack(">BBHHBx", peer.read(8))
        data = peer.read(length)
        peer.read(padding)
        if kind == PARAMS:
            params += data
        if kind == STDIN and not data:
            return dict(pairs(params))


def pairs(data: bytes):
    def length() -> int:
        nonlocal data
        size = 4 if data[0] & 0x80 else 1
        number = int.from_bytes(data[:size], "big") & (0x7fffffff if size == 4 else 0x7f)
        data = data[size:]
        return number

    while data:
        name, value = length(), length()
        yield data[:name].decode(), data[name:name + value].decode(errors="replace")
        data = data[name + value:]


class Heard(list):
    """The parameters of every request; `answers`: and whether it is answered, or the connection just closed."""
    answers = False


class Listener:
    def __init__(self, path: pathlib.Path, heard: Heard):
        self.path, self.heard = path, heard

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.path))
        os.chmod(self.path, 0o666)
        self.socket.listen(64)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()
        self.path.unlink()

    def _serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as stream:
                self.heard.append(read_request(stream))
                if self.heard.answers:
                    peer.sendall(record(STDOUT, ANSWER) + record(STDOUT, b"") + record(END, bytes(8)))

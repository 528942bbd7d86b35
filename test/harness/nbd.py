# SPDX-License-Identifier: BSD-2-Clause
"""
A disk that stops answering, for QEMU: an NBD server (the protocol's "fixed newstyle" handshake,
simple replies) on a UNIX socket. It serves zeros below SILENT and never answers a request from
there on; after `hold` seconds it hangs up, because QEMU resets a disk no sooner than its last
request is over.
"""
import os
import socket
import struct
import threading

SIZE = 64 << 20
SILENT = 4096  # the first byte that is never answered
OPT_MAGIC, REPLY_MAGIC = 0x49484156454F5054, 0x0003E889045565A9
REQUEST_MAGIC, SIMPLE_REPLY = 0x25609513, 0x67446698
OPT_EXPORT_NAME, OPT_INFO, OPT_GO = 1, 6, 7
REP_ACK, REP_INFO, REP_ERR_UNSUP = 1, 3, 0x80000001
CMD_READ, CMD_WRITE, CMD_DISC = 0, 1, 2
FLAGS = 1  # of the export: it has flags


class Server:
    """Serves until close()."""

    def __init__(self, path, hold):
        self.path, self.hold, self.unanswered = str(path), hold, 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.socket.close()
        os.unlink(self.path)

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            self._handshake(client)
            while self._request(client):
                pass
        except (ConnectionError, OSError):
            pass
        client.close()

    @staticmethod
    def _receive(client, count):
        data = b""
        while len(data) < count:
            part = client.recv(count - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def _handshake(self, client):
        client.sendall(b"NBDMAGIC" + struct.pack(">QH", OPT_MAGIC, 3))
        self._receive(client, 4)
        while True:
            _, option, length = struct.unpack(">QII", self._receive(client, 16))
            self._receive(client, length)
            if option == OPT_EXPORT_NAME:
                client.sendall(struct.pack(">QH", SIZE, FLAGS))
                return
            if option not in (OPT_INFO, OPT_GO):
                client.sendall(struct.pack(">QIII", REPLY_MAGIC, option, REP_ERR_UNSUP, 0))
                continue
            client.sendall(struct.pack(">QIII", REPLY_MAGIC, option, REP_INFO, 12) +
                           struct.pack(">HQH", 0, SIZE, FLAGS))
            client.sendall(struct.pack(">QIII", REPLY_MAGIC, option, REP_ACK, 0))
            if option == OPT_GO:
                return

    def _request(self, client):
        _, _, command, handle, offset, length = struct.unpack(">IHHQQI", self._receive(client, 28))
        if command == CMD_DISC:
            return False
        if command == CMD_WRITE:
            self._receive(client, length)
        if offset + length > SILENT:
            self.unanswered += 1
            threading.Timer(self.hold, client.shutdown, [socket.SHUT_RDWR]).start()
            return True
        client.sendall(struct.pack(">IIQ", SIMPLE_REPLY, 0, handle) +
                       bytes(length if command == CMD_READ else 0))
        return True

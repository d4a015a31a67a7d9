"""A small MQTT 3.1.1 client, QoS 0, of the standard library only: sends measurements and notes the commands that follow."""
import socket, threading, time


def field(data):
    return len(data).to_bytes(2, "big") + data


def packet(kind, body):
    length, head = len(body), bytes([kind])
    while True:
        length, digit = length >> 7, length & 127
        head += bytes([digit | (128 if length else 0)])
        if not length:
            return head + body


class Client:
    """Connects, publishes, and notes each command for a relay with the time of its arrival."""

    def __init__(self, port, name):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(packet(0x10, b"\x00\x04MQTT\x04\x02\x0e\x10" + field(name.encode())))
        self.buffer, self.commands = b"", []
        if self.next_packet()[0] != 0x20:
            raise SystemExit("the broker refuses the connection")
        self.socket.sendall(packet(0x82, b"\x00\x01" + field(b"relay/+/set") + b"\x00"))
        self.next_packet()
        self.socket.settimeout(None)
        threading.Thread(target=self.receive, daemon=True).start()

    def next_packet(self):
        while True:
            length, shift, at = 0, 0, 1
            while at < len(self.buffer):
                length |= (self.buffer[at] & 127) << shift
                shift, at = shift + 7, at + 1
                if not self.buffer[at - 1] & 128:
                    if len(self.buffer) >= at + length:
                        kind, body = self.buffer[0], self.buffer[at:at + length]
                        self.buffer = self.buffer[at + length:]
                        return kind, body
                    break
            more = self.socket.recv(65536)
            if not more:
                raise SystemExit("the broker has gone")
            self.buffer += more

    def receive(self):
        while True:
            kind, body = self.next_packet()
            if kind >> 4 == 3:
                length = int.from_bytes(body[:2], "big")
                topic, rest = body[2:2 + length].decode(), body[2 + length + (2 if kind & 6 else 0):]
                self.commands.append((time.monotonic(), int(topic.split("/")[1]), rest.decode(errors="replace")))

    def measure(self, device, value):
        self.socket.sendall(packet(0x30, field(f"meter/{device}/frequency".encode()) + value))

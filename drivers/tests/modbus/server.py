"""Devices of the Modbus tests: a server of pymodbus that is told on standard input what to hold and how to misbehave.

Before `start`, one line for each block: `unit 1 input 0 FLOAT32 230.2 5.1`. After it:

  get UNIT FUNCTION ADDRESS COUNT     what the store holds there
  set UNIT FUNCTION ADDRESS VALUE...  put something else there
  refuse UNIT CODE                    answer with this exception, 0: no longer
  lie UNIT HOW                        spoil the answers of a unit: see `spoil`
  absent CODE                         what units that are not there are answered for, 0: nothing
  diagnostics known|refused|deaf      what becomes of diagnostics (function 8)

On standard output: `ready`, `asked UNIT FUNCTION ADDRESS COUNT`, `holds VALUE...`.
"""

import asyncio
import sys

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerRTU, FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

TABLES = ["coil", "discrete", "holding", "input"]
refusals: dict[int, int] = {}
lies: dict[int, str] = {}
diagnostics = {"how": "known"}
# As pymodbus has it over TCP: the gateway gets no answer from there.
absent = {"code": 11}
known: set[int] = set()
last = {"unit": 0, "packet": b"", "is_own": False}


def say(*words):
    print(*words, flush=True)


def value(text, kind):
    if kind == "STRING":
        return text
    if kind == "BITS":
        return text == "1"
    return float(text) if kind.startswith("FLOAT") else int(text, 0)


def devices(lines):
    units: dict[int, dict[str, list]] = {}
    for line in lines:
        _, unit, table, address, kind, *values = line.split()
        blocks = units.setdefault(int(unit), {name: [] for name in TABLES})
        values = [value(text, kind) for text in values]
        blocks[table].append(SimData(int(address, 0), values=values, datatype=DataType[kind]))
    for unit, blocks in units.items():
        for table in TABLES:
            if not blocks[table]:
                kind = DataType.BITS if table in ("coil", "discrete") else DataType.REGISTERS
                blocks[table].append(SimData(60000, values=[False] if kind is DataType.BITS else [0], datatype=kind))
        yield SimDevice(unit, simdata=tuple(blocks[name] for name in TABLES), action=acting(unit))


def acting(unit):
    async def action(_function, _start, _address, _count, _registers, _values):
        if last["is_own"]:
            return None
        if lies.get(unit) == "slow":
            await asyncio.sleep(0.6)
        code = refusals.get(unit, 0)
        return ExcCodes(code) if code else None

    return action


def told(is_sending, pdu):
    """Says what was asked."""
    if not is_sending:
        last["unit"] = pdu.dev_id
        say("asked", pdu.dev_id, pdu.function_code, pdu.address, pdu.count or 1)
    return pdu


def spoil(is_sending, packet, is_tcp):
    """What leaves in place of an answer."""
    if not is_sending:
        return packet
    before, last["packet"] = last["packet"], packet
    how = lies.get(last["unit"], "")
    head = 6 if is_tcp else 0
    # Unit 0 of pymodbus is everybody.
    if last["unit"] not in known and 0 not in known:
        # pymodbus tells of itself (function 43) in the name of anybody.
        head_of_three = packet[:4] + b"\0\x03" if is_tcp else b""
        return exception(head_of_three, packet[head], packet[head + 1] | 0x80, absent["code"])
    if not is_tcp and packet[1:2] == b"\x08" and diagnostics["how"] != "known":
        return refusal(packet[0]) if diagnostics["how"] == "refused" else b""
    if how == "once":
        lies[last["unit"]] = "nothing"
        say("lost", diagnostics["how"])
        return b""
    if how == "silent":
        return b""
    if how == "unit":
        return packet[:head] + bytes([packet[head] ^ 1]) + packet[head + 1 :]
    if how == "transaction":
        return bytes([packet[0], packet[1] ^ 1]) + packet[2:]
    if how == "short":
        return packet[:-1]
    if how == "checksum":
        return packet[:-1] + bytes([packet[-1] ^ 0x40])
    if how == "function":
        return packet[: head + 1] + bytes([packet[head + 1] ^ 1]) + packet[head + 2 :]
    if how == "length":
        return packet[: head + 2] + bytes([packet[head + 2] ^ 2]) + packet[head + 3 :]
    if how == "twice":
        return packet + packet
    if how == "late":
        # The answer to what was asked before.
        return before
    return packet


def exception(head, unit, function, code):
    """An exception in the place of an answer; 0: none at all."""
    packet = bytes([unit, function, code])
    if not code:
        return b""
    return head + packet if head else packet + FramerRTU.compute_CRC(packet).to_bytes(2, "big")


def refusal(unit):
    """The answer of a device that knows no diagnostics."""
    return exception(b"", unit, 0x88, 1)


async def obey(server, line):
    what, unit, *rest = line.split()
    if what == "diagnostics":
        diagnostics["how"] = unit
        return
    if what == "absent":
        absent["code"] = int(unit)
        return
    unit = int(unit)
    # What is looked at from here was not asked by anybody.
    last["is_own"] = True
    if what == "refuse":
        refusals[unit] = int(rest[0])
    elif what == "lie":
        lies[unit] = rest[0]
    elif what == "set":
        values = [int(text, 0) for text in rest[2:]]
        await server.async_setValues(unit, int(rest[0]), int(rest[1], 0), values)
    elif what == "get":
        held = await server.async_getValues(unit, int(rest[0]), int(rest[1], 0), int(rest[2]))
        say("holds", *[int(one) for one in held])
    last["is_own"] = False


async def main():
    kind, where = sys.argv[1:3]
    lines = []
    while (line := sys.stdin.readline().strip()) != "start":
        lines.append(line)
    context = list(devices(lines))
    is_tcp = kind == "tcp"
    known.update(device.id for device in context)
    trace = lambda is_sending, packet: spoil(is_sending, packet, is_tcp)
    if kind in ("tcp", "rtu-tcp"):
        framer = FramerType.SOCKET if is_tcp else FramerType.RTU
        server = ModbusTcpServer(
            context, framer=framer, address=("127.0.0.1", int(where)), trace_packet=trace, trace_pdu=told
        )
    else:
        absent["code"] = 0
        server = ModbusSerialServer(
            context, framer=FramerType.RTU, port=where, baudrate=19200, trace_packet=trace, trace_pdu=told,
            ignore_missing_devices=True,
        )
    await server.serve_forever(background=True)
    say("ready")
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().strip():
        await obey(server, line)


asyncio.run(main())

"""Inverters that follow SunSpec, with the timers that let them go back to their own mode: a server of pymodbus.

    inverter.py PORT

Unit 1 has the models 123 (limit of its power) and 124 (its storage), unit 2 has 704. As the models say, a limit holds from
the moment at which it is enabled, for as many seconds as its `RvrtTms`; enabling it again begins that time anew, and 0 means
for ever. At the end the inverter disables it by itself.

On standard output: `ready`, `enabled NAME SECONDS`, `reverted NAME`.
"""

import asyncio
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

BASE = 40000
END = [0xFFFF, 0]
POWER_OF_TEN = {-1: 0xFFFF}
# Registers behind a model's number and length, by their offset from the number.
MODEL_123 = {offset: 0 for offset in range(2, 26)} | {4: 1, 5: 1000, 23: POWER_OF_TEN[-1], 24: 0x8000, 25: 0x8000}
MODEL_124 = {offset: 0 for offset in range(2, 26)} | {2: 5000, 12: 1000, 13: 1000, 25: POWER_OF_TEN[-1]}
MODEL_704 = {offset: 0 for offset in range(2, 67)} | {15: 1000, 54: POWER_OF_TEN[-1]}

last = {"unit": 0}
server: ModbusTcpServer


def say(*words):
    print(*words, flush=True)


def image(models):
    """The registers of a device, and where each of its models begins."""
    registers, places = [0x5375, 0x6E53], {}
    for number, points in models.items():
        places[number] = BASE + len(registers)
        registers += [number, len(points)] + [points[offset] for offset in sorted(points)]
    return registers + END, places


class Limit:
    """Something that is enabled for a while."""

    def __init__(self, name, unit, model, enable, bits, timer, wide):
        self.name, self.unit, self.bits, self.wide = name, unit, bits, wide
        self.enable, self.timer = model + enable, model + timer
        self.running = None

    async def get(self, address, count=1):
        return await server.async_getValues(self.unit, 3, address, count)

    async def written(self, value):
        if self.running:
            self.running.cancel()
        if not value & self.bits:
            return
        words = await self.get(self.timer, 2 if self.wide else 1)
        seconds = words[0] << 16 | words[1] if self.wide else words[0]
        say("enabled", self.name, seconds)
        if seconds:
            self.running = asyncio.get_running_loop().create_task(self.run(seconds))

    async def run(self, seconds):
        await asyncio.sleep(seconds)
        held = (await self.get(self.enable))[0]
        await server.async_setValues(self.unit, 16, self.enable, [held & ~self.bits])
        say("reverted", self.name)


def listen(limits):
    def told(is_sending, pdu):
        if is_sending or pdu.function_code not in (6, 16):
            return pdu
        for place, value in enumerate(pdu.registers):
            for limit in limits:
                if (limit.unit, limit.enable) == (pdu.dev_id, pdu.address + place):
                    # The writing itself comes first.
                    asyncio.get_running_loop().create_task(limit.written(value))
        return pdu

    return told


async def main():
    global server
    first, places = image({123: MODEL_123, 124: MODEL_124})
    second, newer = image({704: MODEL_704})
    limits = [
        Limit("power", 1, places[123], 9, 1, 7, False),
        Limit("charge", 1, places[124], 5, 1, 15, False),
        Limit("discharge", 1, places[124], 5, 2, 15, False),
        Limit("newer", 2, newer[704], 14, 1, 18, True),
    ]
    context = [
        SimDevice(unit, simdata=SimData(BASE, values=registers, datatype=DataType.REGISTERS))
        for unit, registers in ((1, first), (2, second))
    ]
    server = ModbusTcpServer(context, address=("127.0.0.1", int(sys.argv[1])), trace_pdu=listen(limits))
    await server.serve_forever(background=True)
    say("ready")
    await asyncio.Event().wait()


asyncio.run(main())

"""Decodes advertisements with bthome-ble, an implementation that was not written here.

A line of the input is a device's key (or -) and one advertisement: `KEY UUID HEX`. A line of the output is what it tells,
as JSON: [[kind, key, value], ...], or [] for nothing.
"""
import json
import sys
from datetime import datetime

from bthome_ble.parser import BTHomeBluetoothDeviceData
from habluetooth import BluetoothServiceInfoBleak
from bleak.backends.device import BLEDevice

ADDRESS = "A4:C1:38:8D:18:B2"


def advertisement(uuid, data, time):
    return BluetoothServiceInfoBleak(
        name="sensor",
        address=ADDRESS,
        rssi=-60,
        manufacturer_data={},
        service_data={f"0000{uuid}-0000-1000-8000-00805f9b34fb": data},
        service_uuids=[],
        source="",
        device=BLEDevice(ADDRESS, "sensor", {}),
        time=time,
        advertisement=None,
        connectable=False,
        tx_power=None,
    )


def plain(value):
    return value.timestamp() if isinstance(value, datetime) else value


def main():
    for place, line in enumerate(sys.stdin):
        key, uuid, data = line.split()
        device = BTHomeBluetoothDeviceData(bindkey=None if key == "-" else bytes.fromhex(key))
        try:
            update = device.update(advertisement(uuid, bytes.fromhex(data), 10.0 * place))
        except Exception as error:  # It has its own bugs; the test shows them and goes on.
            print(json.dumps([["error", repr(error), None]]), flush=True)
            continue
        told = [["number", k.key, plain(v.native_value)] for k, v in update.entity_values.items()]
        told += [["flag", k.key, v.native_value] for k, v in update.binary_entity_values.items()]
        told += [["event", k.key, v.event_type] for k, v in update.events.items()]
        print(json.dumps([row for row in told if row[1] != "signal_strength"]), flush=True)


main()

"""A relay board of the 聚英 kind that is not ours, on pymodbus: function 10 at 3 pulls relay 1 for words[1] x 100 ms.

Prints each write as "address words"; a line "input state" on its input sets an opto input.
"""
import os
import sys
import threading

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartTcpServer

PULSE_AT = 3
PULSE_ON = 4

coils = ModbusSequentialDataBlock(0, [False] * 8)
inputs = ModbusSequentialDataBlock(0, [True, False, False, False, False, False, False, False])


class Registers(ModbusSequentialDataBlock):
    def setValues(self, address, values):
        super().setValues(address, values)
        print(address, ",".join(str(word) for word in values), flush=True)
        if address == PULSE_AT and values[0] == PULSE_ON:
            coils.setValues(0, [True])
            threading.Timer(values[1] / 10, lambda: coils.setValues(0, [False])).start()


slave = ModbusSlaveContext(co=coils, di=inputs, hr=Registers(0, [0] * 64), zero_mode=True)
context = ModbusServerContext(slaves={1: slave}, single=False)


def obey():
    for line in sys.stdin:
        number, state = line.split()
        inputs.setValues(int(number), [state == "1"])
    os._exit(0)


threading.Thread(target=obey, daemon=True).start()
StartTcpServer(context=context, address=("127.0.0.1", int(sys.argv[1])))

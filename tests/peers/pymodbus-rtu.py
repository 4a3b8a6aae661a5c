"""A Modbus RTU server that is not ours: serves unit 5 on the port that it is given until its input ends."""
import os
import sys
import threading

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartSerialServer
from pymodbus.transaction import ModbusRtuFramer

WORDS = [0x0005, 1, 365, 412, 0xFFFF, 0xFFFF, 655, 412, 0x7FFF, 0x8000, 16, 12, 2284, 0, 0, 356, 0, 0, 0, 7872, 1, 57920]

slave = ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, WORDS), zero_mode=True)
context = ModbusServerContext(slaves={5: slave}, single=False)


def until_closed():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=until_closed, daemon=True).start()
StartSerialServer(context=context, framer=ModbusRtuFramer, port=sys.argv[1], baudrate=9600, timeout=0.01)

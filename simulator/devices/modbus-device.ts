import type { FaultName } from '../faults.ts'
import { shownValues, type DeviceContext, type SimulatedDevice, type Values } from './device.ts'
import type { ModbusServer, ModbusUnit } from './modbus-server.ts'
import { readImage, type RegisterMap } from './registers.ts'

export interface ModbusDeviceOptions {
  readonly id: string
  readonly unit: number
  readonly map: RegisterMap
  readonly server: ModbusServer
}

const unitFaults: Readonly<Partial<Record<FaultName, ModbusUnit['fault']>>> = {
  'modbus-exception': 'exception',
  'modbus-short': 'short',
  'modbus-late': 'late',
  'modbus-dead': 'dead',
  'device-silent': 'dead',
}

const WRITE_COIL = 5
const COIL_ON = 0xff00
const ILLEGAL_FUNCTION = 1
const ILLEGAL_ADDRESS = 2
const ILLEGAL_VALUE = 3

/** A unit on a Modbus port: it says nothing by itself, the gateway asks. */
export function modbusDevice(
  { id, unit, map, server }: ModbusDeviceOptions,
  { random }: DeviceContext,
): SimulatedDevice {
  let values: Values = map.quiet
  let fault: FaultName | undefined
  let isAsked = false
  let changed: Values = {}
  server.add({
    unit,
    get fault() {
      return fault === undefined ? undefined : unitFaults[fault]
    },
    read(address, count) {
      return readImage(map.image(trembling(values)), address, count)
    },
    onAsked() {
      isAsked = true
    },
    ...(map.switch && {
      write(request) {
        if (request.function !== WRITE_COIL) return ILLEGAL_FUNCTION
        if (request.value !== COIL_ON && request.value !== 0) return ILLEGAL_VALUE
        const next = map.switch?.(values, request.address, request.value === COIL_ON)
        if (!next) return ILLEGAL_ADDRESS
        values = { ...values, ...next }
        changed = { ...changed, ...next }
        return undefined
      },
    }),
  })
  // A real meter never reads the same voltage twice: repeated states are not byte for byte the same.
  const trembling = (still: Values): Values => {
    const voltage = still['voltage']
    return typeof voltage === 'number' ? { ...still, voltage: voltage + (random.next() - 0.5) } : still
  }
  return {
    id,
    get isReady() {
      return isAsked
    },
    set(next) {
      values = { ...values, ...next }
      changed = { ...changed, ...next }
    },
    async setFault(name) {
      fault = name
      await server.setRefusing(name === 'modbus-refused')
    },
    reannounce: () => server.drop(),
    shown: () => shownValues(changed),
    stop: () => Promise.resolve(),
  }
}

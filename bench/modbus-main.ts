import { systemClock } from '../base/clock.ts'
import { startModbusServer, type ModbusUnit } from '../simulator/devices/modbus-server.ts'

/** Modbus units for the bench, in a process of their own: each port serves some units; every request is counted. */

export type ToUnits =
  /** One server for each number, with so many units. */
  | { readonly is: 'serve'; readonly units: readonly number[] }
  | { readonly is: 'dead'; readonly unit: number }
  | { readonly is: 'count' }
  | { readonly is: 'stop' }

export type FromUnits =
  | { readonly is: 'serving'; readonly ports: readonly number[] }
  /** Requests so far, unit after unit. */
  | { readonly is: 'counted'; readonly requests: readonly number[] }

/** A charging station of map 5D at work: power, energy and seconds change with every poll. */
export class BenchUnit implements ModbusUnit {
  readonly unit: number
  fault: ModbusUnit['fault']
  requests = 0

  constructor(unit: number) {
    this.unit = unit
  }

  read(address: number, count: number): readonly number[] {
    return Array.from({ length: count }, (_, index) => this.#word(address + index))
  }

  onAsked(): void {
    this.requests++
  }

  #word(address: number): number {
    if (address < 0x100) return [2, 28, 0, 300 + (this.requests % 50)][address] ?? 0
    const port = [
      1,
      2200,
      455,
      1000 + (this.requests % 200),
      this.requests & 0xfff,
      this.requests & 0x7fff,
      38,
      0,
    ]
    return port[address % 8] ?? 0
  }
}

if (import.meta.main) {
  const units: BenchUnit[] = []
  const serve = async (counts: readonly number[]): Promise<void> => {
    const ports: number[] = []
    for (const count of counts) {
      const server = await startModbusServer({ host: '127.0.0.1', port: 0 }, systemClock)
      for (let number = 1; number <= count; number++) {
        const unit = new BenchUnit(number)
        units.push(unit)
        server.add(unit)
      }
      ports.push(server.port)
    }
    process.send?.({ is: 'serving', ports })
  }
  process.on('message', (message: ToUnits) => {
    switch (message.is) {
      case 'serve':
        void serve(message.units)
        return
      case 'dead': {
        const unit = units[message.unit]
        if (unit) unit.fault = 'dead'
        return
      }
      case 'count':
        process.send?.({ is: 'counted', requests: units.map(({ requests }) => requests) })
        return
      case 'stop':
        process.exit()
    }
  })
  process.on('disconnect', () => process.exit())
}

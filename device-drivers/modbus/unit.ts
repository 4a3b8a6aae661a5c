import type { Clock, Duration } from '../../base/clock.ts'
import type { Device } from '../../gateway/device.ts'
import type { Intake } from '../../gateway/ports.ts'
import { encodeReadRequest, exceptionName } from '../../wire/modbus.ts'
import { AskedDevice, type Asked } from '../asked-device.ts'
import { decodeRegisters, readParts } from '../codecs/modbus.ts'
import type { Answer, ModbusLine } from './line.ts'

export interface UnitGiven {
  /** The transport's name, for what is counted. */
  readonly transport: string
  readonly device: Device
  readonly line: ModbusLine
  readonly clock: Clock
  readonly intake: Intake
  readonly unit: number
  readonly every: Duration
  /** Units begin one after another, so that not all of them are polled in the same moment. */
  readonly firstAfter: Duration
}

/** Polls one unit: all its requests one after another, then one `accept`. */
export function askUnit(given: UnitGiven): AskedDevice {
  const { device, line } = given
  const asks = readParts(device.profile).map((part) => ({ part, pdu: encodeReadRequest(part.request) }))
  const trouble = (what: string, example: string): void =>
    given.intake.trouble(`${given.transport}: ${what} (${device.id})`, example)

  const ask = async (misses: number, signal: AbortSignal): Promise<Asked> => {
    const fields: Record<string, unknown> = {}
    let answered = 0
    let refused: string | undefined
    for (const { part, pdu } of asks) {
      const answer = await line.ask({ unit: given.unit, request: part.request, pdu, misses })
      if (signal.aborted || answer.is === 'lost') return { is: 'lost' }
      if (answer.is === 'data') {
        decodeRegisters(part, answer.data, fields)
        answered++
        continue
      }
      const { what, reason } = fault(answer)
      trouble(what, `${reason} at ${part.request.address}`)
      // A dead unit costs one time-out a probe, not one a request.
      if (what !== 'device-refused' && answered === 0) return { is: 'missed', reason }
      // The rest may be readable: what was read is worth more than nothing.
      refused = reason
    }
    if (answered === 0) return { is: 'refused', reason: refused ?? 'its profile has no registers' }
    return { is: 'read', fields, ...(refused !== undefined && { refused }) }
  }
  return new AskedDevice({ ...given, isConnected: () => line.isConnected, ask })
}

type Fault = Exclude<Answer, { is: 'data' | 'lost' }>

function fault(answer: Fault): { readonly what: string; readonly reason: string } {
  switch (answer.is) {
    case 'silent':
      return { what: 'device-silent', reason: 'no answer in time' }
    case 'wrong':
      return { what: 'frame-invalid', reason: answer.reason }
    case 'exception': {
      // A gateway says by 10 and 11 that the unit behind it did not answer.
      const isAway = answer.code === 10 || answer.code === 11
      return { what: isAway ? 'device-silent' : 'device-refused', reason: exceptionName(answer.code) }
    }
  }
}

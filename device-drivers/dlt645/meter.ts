import type { Clock, Duration } from '../../base/clock.ts'
import type { Device } from '../../gateway/device.ts'
import type { Intake } from '../../gateway/ports.ts'
import { describeDlt645, encodeReadItem, withWakeUp } from '../../wire/dlt645.ts'
import { AskedDevice, type Asked } from '../asked-device.ts'
import { decodeItem, itemParts } from '../codecs/dlt645.ts'
import type { HalfDuplexLine } from '../serial/half-duplex.ts'
import { ItemReplyParser } from './item-reply.ts'

/** A meter that missed so often is dead for now: asking it must not cost the others much. */
const MISSES_TO_BE_DEAD = 2

export interface MeterGiven {
  /** The transport's name, for what is counted. */
  readonly transport: string
  readonly device: Device
  readonly line: HalfDuplexLine
  readonly clock: Clock
  readonly intake: Intake
  /** 12 digits. */
  readonly address: string
  readonly every: Duration
  readonly firstAfter: Duration
}

/** Reads one electricity meter: all its items one after another, then one `accept`. */
export function askMeter(given: MeterGiven): AskedDevice {
  const { device, line, address } = given
  const asks = itemParts(device.profile).map((part) => ({
    part,
    frame: withWakeUp(encodeReadItem(address, part.item)),
  }))
  const trouble = (what: string, example: string): void =>
    given.intake.trouble(`${given.transport}: ${what} (${device.id})`, example)

  const ask = async (misses: number, signal: AbortSignal): Promise<Asked> => {
    const fields: Record<string, unknown> = {}
    let answered = 0
    let refused: string | undefined
    for (const { part, frame } of asks) {
      const kind = misses >= MISSES_TO_BE_DEAD ? 'probe' : 'poll'
      const parser = new ItemReplyParser({ address, item: part.item })
      const heard = await line.turn(kind, (talk) => talk(frame, parser))
      if (signal.aborted || heard.is === 'lost') return { is: 'lost' }
      if (heard.is === 'silent') {
        const reason = silence(heard.strange)
        trouble('device-silent', `${reason} at ${part.item}`)
        // A dead meter costs one time-out a probe, not one an item.
        if (answered === 0) return { is: 'missed', reason }
        refused = reason
      } else if (heard.reply.is === 'data') {
        const complaint = decodeItem(part, heard.reply.data, fields)
        if (complaint !== undefined) trouble('payload-invalid', complaint)
        answered++
      } else {
        const { is, reason } = heard.reply
        trouble(is === 'error' ? 'device-refused' : 'frame-invalid', `${reason} at ${part.item}`)
        refused = reason
      }
    }
    if (answered === 0) return { is: 'refused', reason: refused ?? 'its profile has no items' }
    return { is: 'read', fields, ...(refused !== undefined && { refused }) }
  }
  return new AskedDevice({ ...given, isConnected: () => line.isConnected, ask })
}

const silence = (strange: Uint8Array): string =>
  strange.length === 0 ? 'no answer in time' : `wanted its reply, got ${describeDlt645(strange)}`

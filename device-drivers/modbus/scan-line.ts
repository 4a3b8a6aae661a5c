import { pause, type Clock, type Duration } from '../../base/clock.ts'
import { GanglionError } from '../../base/errors.ts'
import {
  encodeMbap,
  encodeReadRequest,
  encodeRtu,
  MbapParser,
  decodeReply,
  type ReadRequest,
} from '../../wire/modbus.ts'
import type { ByteLine, Opener } from '../serial/byte-line.ts'
import { judgeHeard, type HeardBytes } from './heard-bytes.ts'

/** A line that is asked unit by unit, to find out who is there. */
export interface ScanLine {
  read(unit: number, request: ReadRequest): Promise<HeardBytes>
  /** All that comes within a time in which nobody is asked. */
  listen(span: Duration): Promise<Uint8Array>
  close(): Promise<void>
}

export interface ScanTiming {
  /** How long a reply may take to begin. */
  readonly waitMs: Duration
  /** Silence that ends it. */
  readonly betweenMs: Duration
  /** A line that never falls silent is not waited for longer. */
  readonly longestMs: Duration
}

const MOST_BYTES = 1024

/** @param form `rtu` on serial lines and device servers, `tcp` for Modbus TCP
 * @throws GanglionError `device-unreachable` when it cannot be opened */
export async function openScanLine(
  opener: Opener,
  form: 'rtu' | 'tcp',
  timing: ScanTiming,
  clock: Clock,
): Promise<ScanLine> {
  const held: { bytes: Buffer; at: number; lost: string | undefined } = {
    bytes: Buffer.alloc(0),
    at: 0,
    lost: undefined,
  }
  const closed = Promise.withResolvers<undefined>()
  const line = await new Promise<ByteLine>((resolve, reject) => {
    let isOpen = false
    const opening = opener({
      opened() {
        isOpen = true
        resolve(opening)
      },
      data(chunk) {
        held.bytes = Buffer.concat([held.bytes, chunk]).subarray(0, MOST_BYTES)
        held.at = clock.ticks()
      },
      closed(reason) {
        held.lost = reason
        closed.resolve(undefined)
        if (!isOpen) reject(new GanglionError('device-unreachable', reason))
      },
    })
  })
  const needOpen = (): void => {
    if (held.lost !== undefined) throw new GanglionError('device-unreachable', held.lost)
  }
  let transaction = 0
  return {
    async read(unit, request) {
      needOpen()
      const pdu = encodeReadRequest(request)
      transaction = (transaction + 1) & 0xffff
      const frame = form === 'rtu' ? encodeRtu(unit, pdu) : encodeMbap({ transaction, unit, pdu })
      held.bytes = Buffer.alloc(0)
      line.write(frame)
      const began = clock.ticks()
      for (;;) {
        const hasBegun = held.bytes.length > (form === 'rtu' ? frame.length : 0)
        const judged = form === 'tcp' ? judgeMbap(held.bytes, transaction, unit, request) : undefined
        if (judged) return judged
        const quietFor = clock.ticks() - (hasBegun ? held.at : began)
        if (clock.ticks() - began >= timing.longestMs) break
        if (quietFor >= (hasBegun ? timing.betweenMs : timing.waitMs) || held.bytes.length >= MOST_BYTES)
          break
        needOpen()
        await pause(clock, 5)
      }
      return form === 'tcp' ? { is: 'nothing' } : judgeHeard(held.bytes, { unit, request, frame })
    },
    async listen(span) {
      held.bytes = Buffer.alloc(0)
      await pause(clock, span)
      return Uint8Array.from(held.bytes)
    },
    close() {
      line.close('the scan is over')
      return closed.promise
    },
  }
}

/** The answer of a Modbus TCP server, once it is there; a gateway says by an exception that its unit is silent. */
function judgeMbap(
  bytes: Uint8Array,
  transaction: number,
  unit: number,
  request: ReadRequest,
): HeardBytes | undefined {
  const frame = new MbapParser()
    .push(Uint8Array.from(bytes))
    .find((one) => one.transaction === transaction && one.unit === unit)
  if (!frame) return undefined
  const reply = decodeReply(frame.pdu, request)
  if (reply.is === 'data') return { is: 'data', data: reply.data }
  const isAway = (frame.pdu[0] ?? 0) > 0x80 && (frame.pdu[1] === 0x0a || frame.pdu[1] === 0x0b)
  if (isAway) return { is: 'nothing' }
  return reply.is === 'exception' ? { is: 'exception' } : { is: 'garbage', bytes: frame.pdu }
}

import type { TSchema } from 'typebox'
import type { Clock, Instant } from '../../base/clock.ts'
import type { FrameOrder, Sent } from '../../gateway/order.ts'
import type { Fields } from '../../gateway/ports.ts'
import type { FrameShape } from '../../wire/frame-cutter.ts'

/** What came out of a TCP connection that a device opened to us. */
export type TcpEvent =
  | {
      readonly kind: 'message'
      /** Who holds the line: a station, or the transmission device of many detectors. */
      readonly speaker: string
      readonly said: readonly TcpSaid[]
      /** Sent back once all of it is committed. */
      readonly answer?: Uint8Array
      readonly complaint?: string
      /** It answers a command that we sent. */
      readonly answers?: TcpAnswer
    }
  /** Something that is not taken; a speaker of a site file is told so. */
  | {
      readonly kind: 'refused'
      readonly speaker: string
      readonly reason: string
      readonly answer?: Uint8Array
    }

/** A command on its way to a device, with what its answer is known by. */
export interface TcpOrder {
  readonly bytes: Uint8Array
  readonly key: string
}

export interface TcpAnswer {
  readonly key: string
  readonly sent: Sent
}

/** One connection, as its protocol sees it: how its frames are cut, and how its devices are told something. */
export interface TcpTalk extends FrameShape<TcpEvent> {
  /** The frames of a command; a text where the protocol has no such command. */
  order?(address: string, order: FrameOrder): TcpOrder | string
}

/** What a message says of one device. */
export interface TcpSaid {
  /** The device as its site file names it. */
  readonly address: string
  readonly fields: Fields
  /** It holds for every device whose address begins with this one. */
  readonly reach?: 'below'
  readonly messageId?: string
  readonly time?: Instant
  /** What is said, and of whom, when the address is in no site file: an alarm of an unlisted part is its owner's. */
  readonly instead?: TcpSaid
  /** How a person would find the device, and would name it in a site file. */
  readonly called?: string
}

/** Where a device of a site file stands: `address` begins with its `speaker`. */
export interface TcpAddress {
  readonly speaker: string
  readonly address: string
}

/** A protocol whose devices dial in. All of them share one port: the first whole frame tells which it is. */
export interface TcpProtocol {
  readonly name: string
  /** The key below `via: { tcp: … }`, and what stands there. */
  readonly key: string
  readonly schema: TSchema
  /** @param value obeys the schema */
  addressOf(value: unknown): TcpAddress
  /** The frames of one new connection. */
  open(clock: Clock): TcpTalk
}

/**
 * 下发: what a transport is asked to say to one device, made from the `commands:` of its profile. Closed: a transport
 * takes the forms that it names in its plug and refuses the others.
 */
export type Order = WriteOrder | PublishOrder | FrameOrder

/** Modbus: coils by 05 and 0F, registers by 06 and 10. */
export type WriteOrder =
  | { readonly is: 'write'; readonly function: 5 | 6; readonly address: number; readonly word: number }
  | {
      readonly is: 'write'
      readonly function: 15
      readonly address: number
      readonly bits: readonly boolean[]
    }
  | {
      readonly is: 'write'
      readonly function: 16
      readonly address: number
      readonly words: readonly number[]
    }

/** MQTT. */
export interface PublishOrder {
  readonly is: 'publish'
  /** The last levels of the topic: `set`, `POWER1`. Where they stand is for the codec to say. */
  readonly leaf: string
  readonly payload: string
}

export const frameNames = ['start', 'stop', 'read', 'locate'] as const
export type FrameName = (typeof frameNames)[number]

/** A frame of the device's own protocol, by name: charging stations. */
export interface FrameOrder {
  readonly is: 'frame'
  readonly frame: FrameName
  /** As labelled, from 1; absent where the frame is for the whole station. */
  readonly port: number | undefined
  /** `locate`: how long it speaks and blinks. */
  readonly seconds: number | undefined
  /** `start`: 32 hexadecimal digits by which the station names this charge in its bill. */
  readonly orderNumber: string
}

/** What came of sending; whether the device did it is for the read-back to say. */
export type Sent =
  /** The device acknowledged it; `note` says so where its wire knows no such answer. */
  | { readonly is: 'taken'; readonly note?: string }
  /** The device said no: nothing was done. */
  | { readonly is: 'refused'; readonly reason: string }
  /** It went out and nothing came back: it may have been done. */
  | { readonly is: 'silent'; readonly reason: string }
  /** It never went out. */
  | { readonly is: 'away'; readonly reason: string }

import type { Instant } from '../../base/clock.ts'
import type { Fields } from '../../gateway/ports.ts'

/** What an MQTT payload turned out to be. */
export type Decoded =
  | {
      readonly is: 'message'
      /** The device's name below the account's base topic; empty where the account is the device. */
      readonly address: string
      readonly fields: Fields
      readonly messageId?: string
      readonly time?: Instant
      /** Something beside the readings was wrong and was left out: worth counting, not worth losing an alarm. */
      readonly complaint?: string
    }
  | { readonly is: 'availability'; readonly address: string; readonly online: boolean }
  /** Nothing that a device said: the bridge's own state, commands that pass by. */
  | { readonly is: 'ignored' }

/** One way of putting readings into MQTT payloads. Pure: a file in this folder, default-exported, its name is its id. */
export interface MqttCodec {
  /**
   * @param topic the levels below the account's base topic
   * @throws GanglionError `payload-invalid`: it never can be decoded, so it is acknowledged and counted
   */
  decode(topic: readonly string[], payload: Uint8Array): Decoded
}

export const ignored: Decoded = { is: 'ignored' }

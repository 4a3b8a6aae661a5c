import type { Instant } from '../../base/clock.ts'
import type { Fields, Presented, Stranger } from '../../gateway/ports.ts'

/** What an MQTT payload turned out to be. */
export type Decoded =
  | {
      readonly is: 'message'
      /** The device's name below the account's base topic; empty where the account is the device. */
      readonly address: string
      readonly fields: Fields
      readonly messageId?: string
      readonly time?: Instant
      /** A credential that waits for an answer; nothing of it is in the fields. */
      readonly presented?: Presented
      /** What the bridge calls its model: for those who take a stranger in. */
      readonly model?: string
      /** Something beside the readings was wrong and was left out: worth counting, not worth losing an alarm. */
      readonly complaint?: string
    }
  | { readonly is: 'availability'; readonly address: string; readonly online: boolean }
  /** The bridge speaks of itself. */
  | { readonly is: 'bridge'; readonly online: boolean }
  /** The bridge names the devices behind it. */
  | { readonly is: 'devices'; readonly devices: readonly NamedDevice[] }
  /** Nothing that a device said: commands that pass by, what nobody needs. */
  | { readonly is: 'ignored' }

export type NamedDevice = Pick<Stranger, 'address' | 'vendor' | 'model' | 'example'>

/** Where an account speaks, and what its codec is shown before the levels below that. */
export interface Root {
  readonly topic: string
  readonly lead: readonly string[]
}

/** One way of putting readings into MQTT payloads. Pure: a file in this folder, default-exported, its name is its id. */
export interface MqttCodec {
  /**
   * @param topic the levels below the account's base topic; an empty first level stands for a device that is its own
   * account
   * @throws GanglionError `payload-invalid`: it never can be decoded, so it is acknowledged and counted
   */
  decode(topic: readonly string[], payload: Uint8Array): Decoded
  /** The base topic as its users write it, where that is more than a topic. */
  readonly roots?: (base: string) => readonly Root[]
  /**
   * Filters below the base topic of a device that is its own account; `up` and `down` by default. The empty one is the
   * base topic itself.
   */
  readonly own?: { readonly says: readonly string[]; readonly hears: readonly string[] }
  /**
   * The topic by which a device is told something; undefined where that cannot be known.
   * @param address its name behind a bridge; undefined where it is its own account
   * @param leaf the last levels, as its profile says
   */
  readonly tells?: (base: string, address: string | undefined, leaf: string) => string | undefined
}

export const ignored: Decoded = { is: 'ignored' }

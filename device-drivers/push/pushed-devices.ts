import type { Device } from '../../gateway/device.ts'
import type { Fields } from '../../gateway/ports.ts'
import { mqttCodec } from '../codecs/by-name.ts'
import { ignored, type Decoded, type MqttCodec } from '../codecs/codec.ts'

/** What stands below `via: { http-push: … }`, checked by the transport's schema. */
export interface PushAddress {
  readonly push: string
  readonly device: string
  readonly member?: string
}

export interface PushedDevice {
  readonly id: string
  /** @throws GanglionError `payload-invalid` */
  decode(payload: Fields | Buffer): Decoded
}

/** A cloud gives a device few names; more would be a cloud that makes them up. */
const MOST_ALIASES = 8

/**
 * Who of the site files is meant. Clouds call a device by its id there and by its IMEI, and by one alone in some
 * messages: a name that came beside a known one is learned.
 */
export class PushedDevices {
  readonly #named: ReadonlyMap<string, PushedDevice>
  readonly #learned = new Map<string, PushedDevice>()
  readonly #aliases = new Map<string, string[]>()

  private constructor(named: ReadonlyMap<string, PushedDevice>) {
    this.#named = named
  }

  /** @throws GanglionError `config-invalid` for a profile whose codec reads no payloads */
  static async load(devices: readonly Device[]): Promise<PushedDevices> {
    const named = new Map<string, PushedDevice>()
    for (const { id, profile, address } of devices) {
      const { push, device, member } = address.settings as unknown as PushAddress // checked by the schema
      const codec = await mqttCodec(profile.codec)
      named.set(keyOf(push, device), { id, decode: (payload) => decoded(codec, payload, member) })
    }
    return new PushedDevices(named)
  }

  find(push: string, names: readonly string[]): PushedDevice | undefined {
    const keys = names.map((name) => keyOf(push, name))
    const found =
      first(keys.map((key) => this.#named.get(key))) ?? first(keys.map((key) => this.#learned.get(key)))
    if (found) for (const key of keys) this.#learn(key, found)
    return found
  }

  /** What a site file says is never overruled; of what was learned the newest holds. */
  #learn(key: string, device: PushedDevice): void {
    if (this.#named.has(key) || this.#learned.get(key) === device) return
    const own = this.#aliases.get(device.id) ?? []
    this.#aliases.set(device.id, own)
    own.push(key)
    this.#learned.set(key, device)
    const oldest = own.length > MOST_ALIASES ? own.shift() : undefined
    if (oldest !== undefined && this.#learned.get(oldest) === device) this.#learned.delete(oldest)
  }
}

/** Codecs read bytes. Of a device whose words stand in one member as text, that text alone is what it said. */
function decoded(codec: MqttCodec, payload: Fields | Buffer, member: string | undefined): Decoded {
  if (Buffer.isBuffer(payload)) return codec.decode(sentUp, payload)
  if (member === undefined) return codec.decode(sentUp, Buffer.from(JSON.stringify(payload), 'utf8'))
  const text = Object.hasOwn(payload, member) ? payload[member] : undefined
  return typeof text === 'string' ? codec.decode(sentUp, Buffer.from(text, 'utf8')) : ignored
}

/** There are no topics here; codecs that look at theirs take what is sent up. */
const sentUp: readonly string[] = ['up']

const first = <T>(values: readonly (T | undefined)[]): T | undefined =>
  values.find((value) => value !== undefined)

/** Ids hold no line end, so that no two pairs meet. */
const keyOf = (push: string, name: string): string => `${push}\n${name}`

import { Type, type TObject } from 'typebox'
import type { Device } from '../../gateway/device.ts'
import type { TcpAddress, TcpProtocol } from './protocol.ts'

/** What may stand below `via: { tcp: … }`: the key of one protocol. */
export const tcpAddressSchema = (protocols: readonly TcpProtocol[]): TObject =>
  Type.Object(Object.fromEntries(protocols.map(({ key, schema }) => [key, Type.Optional(schema)])), {
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
  })

/** Who of the site files stands where, and speaks through whom. */
export class AddressBook {
  readonly #devices = new Map<string, string>()
  readonly #speakers = new Map<string, string[]>()

  constructor(devices: readonly Device[], protocols: readonly TcpProtocol[]) {
    for (const { id, address } of devices) {
      const at = addressOf(address.settings, protocols)
      if (!at) continue
      this.#devices.set(at.address, id)
      const behind = this.#speakers.get(at.speaker)
      if (behind) behind.push(id)
      else this.#speakers.set(at.speaker, [id])
    }
  }

  addressOf(deviceId: string): string | undefined {
    for (const [address, known] of this.#devices) if (known === deviceId) return address
    return undefined
  }

  deviceAt(address: string): string | undefined {
    return this.#devices.get(address)
  }

  below(address: string): readonly string[] {
    return [...this.#devices].filter(([known]) => known.startsWith(`${address}/`)).map(([, id]) => id)
  }

  /** All that speak through it; none when it is unknown. */
  devicesOf(speaker: string): readonly string[] {
    return this.#speakers.get(speaker) ?? []
  }
}

function addressOf(
  settings: Readonly<Record<string, unknown>>,
  protocols: readonly TcpProtocol[],
): TcpAddress | undefined {
  const protocol = protocols.find(({ key }) => settings[key] !== undefined)
  return protocol?.addressOf(settings[protocol.key])
}

import type { MqttCodec } from '../codecs/codec.ts'

/** Where a device is told something. */
export interface Told {
  readonly codec: Pick<MqttCodec, 'tells'>
  /** Of its bridge, or its own. */
  readonly base: string
  /** Its name behind the bridge; absent where it is its own account. */
  readonly address: string | undefined
}

/** MQTT knows no answer of the device: this is all that can be said. */
export const HANDED_OVER = 'it was handed to its connection'

/**
 * The topic of a command. Commands go out with QoS 0, or expire within seconds: a broker must not keep "open the door"
 * for a device that is away, and hand it over hours later.
 */
export function orderTopic({ codec, base, address }: Told, leaf: string): string | undefined {
  if (codec.tells) return codec.tells(base, address, leaf)
  return address === undefined ? `${base}/down` : `${base}/${address}/${leaf}`
}

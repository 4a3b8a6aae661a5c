import type { Clock } from '../../base/clock.ts'
import type { Bridge, TransportContext } from '../../gateway/ports.ts'
import { mqttCodec } from '../codecs/by-name.ts'
import type { Decoded, MqttCodec } from '../codecs/codec.ts'
import { Rate } from '../rate.ts'
import { isBelow } from './topic.ts'

/** 账号 on the wire: a device, or a bridge with the devices it speaks for. Nothing is allowed but what stands here. */
export interface Speaker {
  readonly account: string
  readonly rate: Rate
  mayPublish(topic: string): boolean
  maySubscribe(filter: string): boolean
  /** May be handed this topic: a second lock behind `maySubscribe`. */
  mayHear(topic: string): boolean
  /** @throws GanglionError `payload-invalid` */
  decode(topic: string, payload: Uint8Array): Decoded
  /** The device that a decoded address names. */
  deviceId(address: string): string | undefined
}

const DEVICE_RATE = 50
const BRIDGE_RATE = 1000

/** What stands below `via: { mqtt: … }`, checked by the transport's schema. */
export interface MqttAddress {
  readonly account?: string
  readonly address?: string
}

/** Everyone who may speak, by account. Loads the codecs they name. */
export async function speakersOf({
  clock,
  devices,
  bridges,
  limits,
}: Pick<TransportContext, 'clock' | 'devices' | 'bridges' | 'limits'>): Promise<
  ReadonlyMap<string, Speaker>
> {
  const speakers = new Map<string, Speaker>()
  const behind = new Map<string, Map<string, string>>()
  for (const device of devices) {
    const { account, address }: MqttAddress = device.address.settings
    if (account === undefined) {
      speakers.set(
        device.id,
        deviceSpeaker({
          clock,
          id: device.id,
          base: `ganglion/${device.siteId}/${device.id}`,
          codec: await mqttCodec(device.profile.codec),
          perSecond: limits.messagesPerSecond ?? DEVICE_RATE,
        }),
      )
    } else {
      const names = behind.get(account) ?? new Map<string, string>()
      names.set(address ?? device.id, device.id)
      behind.set(account, names)
    }
  }
  for (const bridge of bridges) {
    speakers.set(
      bridge.id,
      bridgeSpeaker({
        clock,
        bridge,
        codec: await mqttCodec(bridge.codec),
        names: behind.get(bridge.id) ?? new Map<string, string>(),
        perSecond: limits.messagesPerSecond ?? BRIDGE_RATE,
      }),
    )
  }
  return speakers
}

function deviceSpeaker(given: {
  readonly clock: Clock
  readonly id: string
  readonly base: string
  readonly codec: MqttCodec
  readonly perSecond: number
}): Speaker {
  const up = `${given.base}/up`
  const down = `${given.base}/down`
  const levels = ['up'] as const
  return {
    account: given.id,
    rate: new Rate(given.clock, given.perSecond),
    mayPublish: (topic) => topic === up,
    maySubscribe: (filter) => filter === down,
    mayHear: (topic) => topic === down,
    decode: (_topic, payload) => given.codec.decode(levels, payload),
    deviceId: () => given.id,
  }
}

function bridgeSpeaker(given: {
  readonly clock: Clock
  readonly bridge: Bridge
  readonly codec: MqttCodec
  readonly names: ReadonlyMap<string, string>
  readonly perSecond: number
}): Speaker {
  const { id, base } = given.bridge
  return {
    account: id,
    rate: new Rate(given.clock, given.perSecond),
    mayPublish: (topic) => isBelow(base, topic),
    maySubscribe: (filter) => isBelow(base, filter),
    mayHear: (topic) => isBelow(base, topic),
    decode: (topic, payload) => given.codec.decode(topic.slice(base.length + 1).split('/'), payload),
    deviceId: (address) => given.names.get(address),
  }
}

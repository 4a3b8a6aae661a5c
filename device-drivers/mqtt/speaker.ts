import type { Device } from '../../gateway/device.ts'
import type { Bridge, TransportContext } from '../../gateway/ports.ts'
import { mqttCodec } from '../codecs/by-name.ts'
import type { Decoded, MqttCodec } from '../codecs/codec.ts'
import { Rate } from '../rate.ts'
import { filterAllows, isBelow } from './topic.ts'

/** 账号 on the wire: a device, or a bridge with the devices it speaks for. Nothing is allowed but what stands here. */
export interface Speaker {
  readonly account: string
  readonly isBridge: boolean
  /** A file in device-drivers/codecs. */
  readonly codec: string
  readonly rate: Rate
  /** The filters of all that it says. */
  readonly says: readonly string[]
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
const ownByDefault = { says: ['up'], hears: ['down'] }

/** What stands below `via: { mqtt: … }`, checked by the transport's schema. */
export interface MqttAddress {
  readonly account?: string
  readonly address?: string
}

/** Where a device speaks that is its own account. */
export interface OwnTopic {
  readonly base: string
  /** The devices' words for a topic differ; ours is `up`. */
  readonly isNamedByUser: boolean
}

export type SpeakersContext = Pick<TransportContext, 'clock' | 'devices' | 'bridges' | 'limits'>

/** Everyone who may speak, by account. Loads the codecs they name. */
export async function speakersOf(
  { clock, devices, bridges, limits }: SpeakersContext,
  topicOf: (device: Device) => OwnTopic,
): Promise<ReadonlyMap<string, Speaker>> {
  const speakers = new Map<string, Speaker>()
  const behind = new Map<string, Map<string, string>>()
  for (const device of devices) {
    const { account, address }: MqttAddress = device.address.settings
    if (account === undefined) {
      const codec = await mqttCodec(device.profile.codec)
      const rate = new Rate(clock, limits.messagesPerSecond ?? DEVICE_RATE)
      speakers.set(device.id, deviceSpeaker(device, topicOf(device), { codec, rate }))
    } else {
      const names = behind.get(account) ?? new Map<string, string>()
      names.set(address ?? device.id, device.id)
      behind.set(account, names)
    }
  }
  for (const bridge of bridges) {
    const codec = await mqttCodec(bridge.codec)
    const rate = new Rate(clock, limits.messagesPerSecond ?? BRIDGE_RATE)
    const names = behind.get(bridge.id) ?? new Map<string, string>()
    speakers.set(bridge.id, bridgeSpeaker(bridge, names, { codec, rate }))
  }
  return speakers
}

interface Ability {
  readonly codec: MqttCodec
  readonly rate: Rate
}

function deviceSpeaker({ id, profile }: Device, topic: OwnTopic, { codec, rate }: Ability): Speaker {
  const says = ownFilters(codec, topic)
  const hears = rootsOf(codec, topic.base).flatMap((root) => below(root, (codec.own ?? ownByDefault).hears))
  return {
    account: id,
    isBridge: false,
    codec: profile.codec,
    rate,
    says,
    ...permissions(says, hears),
    decode: (where, payload) => codec.decode(levelsOf(codec, topic.base, where, ['']), payload),
    deviceId: () => id,
  }
}

function bridgeSpeaker(
  bridge: Bridge,
  names: ReadonlyMap<string, string>,
  { codec, rate }: Ability,
): Speaker {
  const { id, base } = bridge
  const all = rootsOf(codec, base).flatMap((root) => below(root, ['#']))
  return {
    account: id,
    isBridge: true,
    codec: bridge.codec,
    rate,
    says: all,
    ...permissions(all, all),
    decode: (where, payload) => codec.decode(levelsOf(codec, base, where, []), payload),
    deviceId: (address) => names.get(address),
  }
}

/** The filters of what a device that is its own account says. */
export function ownFilters(codec: MqttCodec, { base, isNamedByUser }: OwnTopic): readonly string[] {
  const says = codec.own?.says ?? (isNamedByUser ? ['', ...ownByDefault.says] : ownByDefault.says)
  // A root that carries the codec's first level already has all that is said below it.
  return rootsOf(codec, base).flatMap((root) => below(root, root.lead.length > 0 ? ['#'] : says))
}

const rootsOf = (codec: MqttCodec, base: string) => codec.roots?.(base) ?? [{ topic: base, lead: [] }]

const below = ({ topic }: { readonly topic: string }, filters: readonly string[]): readonly string[] =>
  filters.map((filter) => (filter === '' ? topic : `${topic}/${filter}`))

function permissions(
  says: readonly string[],
  hears: readonly string[],
): Pick<Speaker, 'mayPublish' | 'maySubscribe' | 'mayHear'> {
  const isHeard = (filterOrTopic: string): boolean => hears.some((own) => filterAllows(own, filterOrTopic))
  return {
    mayPublish: (topic) => says.some((own) => filterAllows(own, topic)),
    maySubscribe: isHeard,
    mayHear: isHeard,
  }
}

function levelsOf(
  codec: MqttCodec,
  base: string,
  topic: string,
  marker: readonly string[],
): readonly string[] {
  for (const root of rootsOf(codec, base)) {
    if (isBelow(root.topic, topic))
      return [...root.lead, ...marker, ...topic.slice(root.topic.length + 1).split('/')]
    if (topic === root.topic) return [...root.lead, ...marker]
  }
  return []
}

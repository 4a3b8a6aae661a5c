import type { Aedes } from 'aedes'
import { messageOf } from '../../base/errors.ts'
import type { Device } from '../../gateway/device.ts'
import type { Order, Sent } from '../../gateway/order.ts'
import type { Bridge } from '../../gateway/ports.ts'
import { mqttCodec } from '../codecs/by-name.ts'
import type { Doors } from './doors.ts'
import { HANDED_OVER, orderTopic, type Told } from './order-topic.ts'
import type { MqttAddress } from './speaker.ts'

/** Tells the devices of the embedded broker what they are asked to do, while it runs. */
export class Telling {
  readonly #broker: Pick<Aedes, 'publish'>
  readonly #doors: Pick<Doors, 'isConnected'>
  /** Topics that are being published, and whether somebody was handed them. */
  readonly #handed = new Map<string, boolean>()

  constructor(broker: Pick<Aedes, 'publish'>, doors: Pick<Doors, 'isConnected'>) {
    this.#broker = broker
    this.#doors = doors
  }

  /** A subscriber is handed this topic. */
  forwards(topic: string): void {
    if (this.#handed.has(topic)) this.#handed.set(topic, true)
  }

  async tell(account: string, told: Told, order: Order): Promise<Sent> {
    if (order.is !== 'publish') return { is: 'refused', reason: `MQTT has no "${order.is}"` }
    if (!this.#doors.isConnected(account)) return { is: 'away', reason: `${account} is not connected` }
    const topic = orderTopic(told, order.leaf)
    if (topic === undefined) return { is: 'refused', reason: 'its codec knows no topic for commands' }
    this.#handed.set(topic, false)
    try {
      await this.#publish(topic, order.payload)
      if (this.#handed.get(topic) === true) return { is: 'taken', note: HANDED_OVER }
      return { is: 'away', reason: `nobody has subscribed to ${topic}` }
    } catch (error) {
      return { is: 'silent', reason: messageOf(error) }
    } finally {
      this.#handed.delete(topic)
    }
  }

  #publish(topic: string, payload: string): Promise<void> {
    const packet = {
      cmd: 'publish',
      topic,
      payload: Buffer.from(payload),
      qos: 0,
      retain: false,
      dup: false,
    } as const
    return new Promise((resolve, reject) => {
      this.#broker.publish(packet, (error) => {
        if (error) reject(error)
        else resolve()
      })
    })
  }
}

/** Which account carries a command for this device, and where it is told there. */
export async function toldBy(
  device: Device,
  bridges: readonly Bridge[],
  ownBase: (device: Device) => string,
): Promise<{ readonly account: string; readonly told: Told }> {
  const { account, address }: MqttAddress = device.address.settings
  const bridge = bridges.find(({ id }) => id === account)
  if (bridge) {
    const codec = await mqttCodec(bridge.codec)
    return { account: bridge.id, told: { codec, base: bridge.base, address: address ?? device.id } }
  }
  const codec = await mqttCodec(device.profile.codec)
  return { account: device.id, told: { codec, base: ownBase(device), address: undefined } }
}

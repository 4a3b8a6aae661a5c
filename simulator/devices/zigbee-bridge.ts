import type { FaultName } from '../faults.ts'
import { badPayload, foreignAlarm } from './bad-payloads.ts'
import {
  every,
  shownValues,
  type DeviceContext,
  type SimulatedDevice,
  type Value,
  type Values,
} from './device.ts'
import { openMqttLink, type MqttLink } from './mqtt-link.ts'
import { payloadOf, quietValues, type PayloadPoint } from './payload.ts'

export interface ZigbeeDeviceOptions {
  readonly id: string
  /** Its friendly name: `<base>/<address>` is its topic. */
  readonly address: string
  readonly points: readonly PayloadPoint[]
}

export interface ZigbeeBridgeOptions {
  /** The wire account. */
  readonly id: string
  readonly base: string
  readonly password: string
  readonly foreignTopic: string
  readonly devices: readonly ZigbeeDeviceOptions[]
}

/** The bridge and the devices it speaks for. */
export interface ZigbeeBridge {
  readonly bridge: SimulatedDevice
  readonly devices: readonly SimulatedDevice[]
}

/**
 * Zigbee2MQTT: one account publishes for all its devices, always the whole cached state of one, and repeats
 * every state when it starts, an old `smoke: true` too.
 */
export function zigbeeBridge(options: ZigbeeBridgeOptions, context: DeviceContext): ZigbeeBridge {
  const { id, base, password, foreignTopic } = options
  const { clock, random, reportsEvery, endpoint } = context
  const stateTopic = `${base}/bridge/state`
  let fault: FaultName | undefined
  let isReady = false
  const link: MqttLink = openMqttLink({
    endpoint,
    account: id,
    password,
    will: { topic: stateTopic, payload: '{"state":"offline"}' },
    onConnect() {
      isReady = true
      link.publish(stateTopic, '{"state":"online"}', true)
      for (const device of devices) device.say()
    },
  })
  const speaker: Speaker = { link, base, foreignTopic, context, faultOf: () => fault }
  const devices = options.devices.map((device) => zigbeeDevice(device, speaker))
  const stops = devices.map((device) =>
    every(clock, reportsEvery, random, () => {
      if (link.isConnected) device.say()
    }),
  )
  const bridge: SimulatedDevice = {
    id,
    get isReady() {
      return isReady
    },
    set() {
      // A bridge measures nothing.
    },
    setFault(name) {
      fault = name
      return Promise.resolve()
    },
    reannounce: () => link.reconnect(),
    shown: () => '',
    async stop() {
      for (const stop of stops) stop()
      await link.stop()
    },
  }
  return { bridge, devices }
}

interface Speaker {
  readonly link: MqttLink
  readonly base: string
  readonly foreignTopic: string
  readonly context: DeviceContext
  /** What is wrong with the whole bridge. */
  readonly faultOf: () => FaultName | undefined
}

function zigbeeDevice(
  { id, address, points }: ZigbeeDeviceOptions,
  { link, base, foreignTopic, context, faultOf }: Speaker,
): SimulatedDevice & { say(): void } {
  const topic = `${base}/${address}`
  let values: Values = quietValues(points)
  let changed: Record<string, Value> = {}
  let ownFault: FaultName | undefined
  const say = (): void => {
    const fault = ownFault ?? faultOf()
    if (fault === 'device-silent') return
    const state = payloadOf(points, values)
    if ('linkquality' in state) state['linkquality'] = context.random.between(90, 140)
    const bad = fault && badPayload(fault, state, context.random)
    if (bad) link.throwAway(topic, bad)
    if (fault === 'foreign-topic') link.throwAway(foreignTopic, Buffer.from(foreignAlarm(values)))
    link.publish(topic, JSON.stringify(state))
  }
  return {
    id,
    get isReady() {
      return link.isConnected
    },
    say,
    set(next) {
      values = { ...values, ...next }
      changed = { ...changed, ...next }
      say()
    },
    setFault(name) {
      ownFault = name
      return Promise.resolve()
    },
    // Its radio has power again: the bridge hears its state once more.
    reannounce: say,
    shown: () => shownValues(changed),
    stop: () => Promise.resolve(),
  }
}

import { isoTime } from '../../base/clock.ts'
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
import { openMqttLink } from './mqtt-link.ts'
import { payloadOf, quietValues, type PayloadPoint } from './payload.ts'

export interface JsonDeviceOptions {
  readonly id: string
  readonly siteId: string
  readonly points: readonly PayloadPoint[]
  readonly password: string
  /** The topic of another device, which its account may not speak on. */
  readonly foreignTopic: string
}

/** A device with its own account: JSON to `ganglion/<siteId>/<deviceId>/up`, with an id and a time. */
export function jsonDevice(options: JsonDeviceOptions, context: DeviceContext): SimulatedDevice {
  const { id, siteId, points, password, foreignTopic } = options
  const { clock, random, reportsEvery, endpoint } = context
  const topic = `ganglion/${siteId}/${id}/up`
  // The gateway remembers message ids: those of an earlier run must not come again.
  const run = clock.now().toString(36)
  let count = 0
  let values: Values = quietValues(points)
  let changed: Record<string, Value> = {}
  let fault: FaultName | undefined
  let isReady = false

  const say = (): void => {
    if (fault === 'device-silent') return
    const state = { ...payloadOf(points, values), id: `${run}-${count++}`, time: isoTime(clock.now()) }
    const bad = fault && badPayload(fault, state, random)
    if (bad) link.throwAway(topic, bad)
    if (fault === 'foreign-topic') link.throwAway(foreignTopic, Buffer.from(foreignAlarm(values)))
    link.publish(topic, JSON.stringify(state))
  }
  const link = openMqttLink({
    endpoint,
    account: id,
    password,
    onConnect() {
      isReady = true
      say()
    },
  })
  // States pile up nowhere: only changes wait for the connection.
  const stopSaying = every(clock, reportsEvery, random, () => {
    if (link.isConnected) say()
  })
  return {
    id,
    get isReady() {
      return isReady
    },
    set(next) {
      values = { ...values, ...next }
      changed = { ...changed, ...next }
      say()
    },
    setFault(name) {
      fault = name
      return Promise.resolve()
    },
    reannounce: () => link.reconnect(),
    shown: () => shownValues(changed),
    async stop() {
      stopSaying()
      await link.stop()
    },
  }
}

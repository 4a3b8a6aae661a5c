import type { MqttClient } from 'mqtt'
import { GanglionError } from '../../base/errors.ts'
import type { MqttStore } from '../../gateway/ports.ts'

/** Rows of the MQTT store; the embedded broker has other kinds. */
const KIND = 'filters'
const FORMAT = 1
/** A packet of hundreds of filters is beyond what some brokers take. */
const FILTERS_A_PACKET = 100
const REFUSED = 0x80

export type SubscribingClient = Pick<MqttClient, 'subscribe' | 'unsubscribeAsync'>

export interface SubscriptionsContext {
  /** Of the row in the store. */
  readonly key: string
  readonly store: MqttStore
  readonly filters: readonly string[]
  readonly trouble: (what: string, example: string) => void
}

interface Remembered {
  /** May stand in the broker's session. */
  readonly asked: readonly string[]
  /** Stand there. */
  readonly granted: readonly string[]
}

/**
 * What a session at a broker is subscribed to. Sessions outlive box.yaml: what it no longer names is taken back, and
 * what stands is left alone, for a broker tells all its retained messages again to those who ask again.
 */
export class Subscriptions {
  readonly #context: SubscriptionsContext
  #remembered: Remembered

  constructor(context: SubscriptionsContext) {
    this.#context = context
    this.#remembered = read(context)
  }

  /** @throws when the broker does not answer; refused filters are counted. */
  async settle(client: SubscribingClient, sessionPresent: boolean): Promise<void> {
    const { filters, trouble } = this.#context
    const before = this.#remembered
    if (!sessionPresent && before.granted.length > 0)
      trouble('session lost', 'the broker kept nothing for us while we were away')
    const standing = sessionPresent ? before : { asked: [], granted: [] }
    const unwanted = standing.asked.filter((filter) => !filters.includes(filter))
    const kept = standing.granted.filter((filter) => filters.includes(filter))
    const missing = filters.filter((filter) => !kept.includes(filter))
    if (unwanted.length === 0 && missing.length === 0) return
    await this.#remember({ asked: [...new Set([...standing.asked, ...filters])], granted: kept })
    for (const some of inParts(unwanted)) await client.unsubscribeAsync([...some])
    const granted = [...kept]
    for (const some of inParts(missing)) granted.push(...(await this.#subscribe(client, some)))
    await this.#remember({ asked: filters, granted })
  }

  async #subscribe(client: SubscribingClient, filters: readonly string[]): Promise<readonly string[]> {
    const codes = await new Promise<readonly number[]>((resolve, reject) => {
      client.subscribe([...filters], { qos: 1 }, (error, _asked, packet) => {
        // One refused filter is an error to mqtt.js; the others stand.
        const granted = packet?.granted as readonly number[] | undefined // reason codes, in the order of the filters
        if (granted) resolve(granted)
        else reject(error ?? new GanglionError('not-allowed', 'the broker did not answer a subscription'))
      })
    })
    const { trouble } = this.#context
    filters.forEach((filter, index) => {
      const code = codes[index] ?? REFUSED
      if (code >= REFUSED)
        trouble('not-allowed', `the broker refused the subscription to "${filter}" (${code})`)
      if (code === 0) trouble('granted QoS 0 only', `"${filter}": messages may be lost on the way`)
    })
    return filters.filter((_filter, index) => (codes[index] ?? REFUSED) < REFUSED)
  }

  async #remember(remembered: Remembered): Promise<void> {
    const { store, key } = this.#context
    await store.put(KIND, key, Buffer.from(JSON.stringify({ v: FORMAT, ...remembered })))
    this.#remembered = remembered
  }
}

/** A row of a later format says nothing: then all is asked for again. */
function read({ store, key }: SubscriptionsContext): Remembered {
  for (const row of store.load()) {
    if (row.kind !== KIND || row.key !== key) continue
    const stored = JSON.parse(Buffer.from(row.value).toString('utf8')) as Remembered & { v: number } // of `#remember`
    if (stored.v === FORMAT) return stored
  }
  return { asked: [], granted: [] }
}

function inParts(filters: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(filters.length / FILTERS_A_PACKET)
  return Array.from({ length: count }, (_, i) =>
    filters.slice(i * FILTERS_A_PACKET, (i + 1) * FILTERS_A_PACKET),
  )
}

import { createHash } from 'node:crypto'
import { instant, isoTime, type Clock, type Instant } from '../base/clock.ts'
import type { Draft } from './draft.ts'
import type { Arrival } from './ports.ts'
import type { Store } from './store/store.ts'

/**
 * A message is known for this long. Packet ids begin anew with each connection: the alarm of an hour ago had the id
 * and the bytes of the one that is redelivered now.
 */
const KEPT_MS = 10 * 60_000
const PRUNE_EVERY_MS = 60_000

/** Packet ids kept per account: more than can be under way on one connection. */
const PACKET_SLOTS = 256

/**
 * Tells a message that was taken before from a new one. With its own id or time: by (device, id or time, hash), for
 * ten minutes. Without: only an MQTT redelivery (DUP, same account, packet id and hash) is known; everything else is
 * a sign of life and a reading.
 */
export class SeenBefore {
  readonly #store: Store
  readonly #clock: Clock
  /** Under way to the database. */
  readonly #pending = new Set<string>()
  readonly #findKey
  readonly #findPacket
  #cancelPrune: (() => void) | undefined

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
    this.#findKey = store.reader.prepare('SELECT 1 FROM source_keys WHERE key = ? AND at >= ?').pluck()
    this.#findPacket = store.reader
      .prepare(
        'SELECT 1 FROM redeliveries WHERE account = ? AND slot = ? AND packet_id = ? AND hash = ? AND at >= ?',
      )
      .pluck()
    this.#pruneLater()
  }

  async has(arrival: Arrival, now: Instant): Promise<boolean> {
    const { publish } = arrival
    if (publish?.dup === true) {
      // What an earlier connection brought may still be under way to the disk.
      await this.#store.settled()
      const { account, packetId, hash } = publish
      const found = this.#findPacket.get(account, packetId % PACKET_SLOTS, packetId, hash, now - KEPT_MS)
      if (found !== undefined) return true
    }
    const key = sourceKey(arrival)
    if (key === undefined) return false
    if (this.#pending.has(nameOf(key))) {
      await this.#store.settled()
      return true
    }
    return this.#findKey.get(key, now - KEPT_MS) !== undefined
  }

  /** Writes the message down with what follows from it; false when its twin of the same turn did so first. */
  remember(draft: Draft, arrival: Arrival, siteId: string, now: Instant): boolean {
    const key = sourceKey(arrival)
    if (key !== undefined && this.#pending.has(nameOf(key))) return false
    const { publish } = arrival
    if (publish) {
      draft.add([
        'putRedelivery',
        publish.account,
        publish.packetId % PACKET_SLOTS,
        publish.packetId,
        publish.hash,
        now,
      ])
    }
    if (key === undefined) return true
    const name = nameOf(key)
    this.#pending.add(name)
    draft.add(['putSourceKey', key, siteId, now], () => this.#pending.delete(name))
    draft.afterwards(() => this.#pending.delete(name))
    return true
  }

  stop(): void {
    this.#cancelPrune?.()
  }

  #pruneLater(): void {
    this.#cancelPrune = this.#clock.after(PRUNE_EVERY_MS, () => {
      // A failed prune is tried again in a minute; the store itself reports what is wrong.
      this.#store.put(['pruneSourceKeys', this.#clock.now() - KEPT_MS]).catch(() => undefined)
      this.#pruneLater()
    })
  }
}

const nameOf = (key: Buffer): string => key.toString('latin1')

function sourceKey({ deviceId, messageId, time, fields }: Arrival): Buffer | undefined {
  if (messageId === undefined && time === undefined) return undefined
  const own = messageId === undefined ? `time ${isoTime(time ?? instant(0))}` : `id ${messageId}`
  return createHash('sha256')
    .update(`${deviceId}\n${own}\n${JSON.stringify(fields)}`)
    .digest()
    .subarray(0, 16)
}

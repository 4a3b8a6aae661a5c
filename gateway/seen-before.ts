import { createHash } from 'node:crypto'
import { instant, isoTime, later, type Clock, type Instant } from '../base/clock.ts'
import type { Draft } from './draft.ts'
import type { Arrival } from './ports.ts'
import type { Store } from './store/store.ts'

/**
 * A message is known for this long. Packet ids begin anew with each connection: the alarm of an hour ago had the id
 * and the bytes of the one that is redelivered now.
 */
const KEPT_MS = 10 * 60_000
const PRUNE_EVERY_MS = 60_000

/** After the last redelivery the packets are forgotten again: the log has them. */
const PACKETS_HELD_MS = 60_000

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
  readonly #packetLog
  /** By account and packet id, read from the arrivals log when the first redelivery comes. */
  #packets: Map<string, Map<number, SeenPacket>> | undefined
  #packetsUntil = 0
  #cancelPrune: (() => void) | undefined

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
    this.#findKey = store.reader.prepare('SELECT 1 FROM source_keys WHERE key = ? AND at >= ?').pluck()
    this.#packetLog = store.reader.prepare(
      'SELECT account, packet_id AS packetId, hash, at FROM arrivals WHERE account IS NOT NULL AND at >= ? ORDER BY seq',
    )
    this.#pruneLater()
  }

  async has(arrival: Arrival, now: Instant): Promise<boolean> {
    const { publish } = arrival
    if (publish?.dup === true) {
      // What an earlier connection brought may still be under way to the disk.
      await this.#store.settled()
      const seen = this.#packetsOf(publish.account, now).get(publish.packetId)
      if (seen?.hash === publish.hash && seen.at >= now - KEPT_MS) return true
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
    if (now > this.#packetsUntil) this.#packets = undefined
    if (publish && this.#packets) this.#notePacket(draft, this.#packets, publish, now)
    if (key === undefined) return true
    const name = nameOf(key)
    this.#pending.add(name)
    const longer = Math.max(0, (arrival.repeatsFor ?? KEPT_MS) - KEPT_MS)
    // Keys are forgotten by their time: one that is kept longer is written as if it came later.
    draft.add(['putSourceKey', key, siteId, later(now, longer)], () => this.#pending.delete(name))
    draft.afterwards(() => this.#pending.delete(name))
    return true
  }

  stop(): void {
    this.#cancelPrune?.()
  }

  #packetsOf(account: string, now: Instant): Map<number, SeenPacket> {
    this.#packetsUntil = now + PACKETS_HELD_MS
    if (!this.#packets) {
      this.#packets = new Map()
      const rows = this.#packetLog.all(now - KEPT_MS) as (SeenPacket & {
        account: string
        packetId: number
      })[] // the columns named
      for (const { account: who, packetId, hash, at } of rows)
        entryOf(this.#packets, who).set(packetId, { hash, at })
    }
    return entryOf(this.#packets, account)
  }

  /** While redeliveries come, the packets of this run are known too, until their unit is taken back. */
  #notePacket(
    draft: Draft,
    byAccount: Map<string, Map<number, SeenPacket>>,
    { account, packetId, hash }: Publish,
    now: Instant,
  ): void {
    const packets = entryOf(byAccount, account)
    const before = packets.get(packetId)
    packets.set(packetId, { hash, at: now })
    draft.onUndo(() => {
      if (before) packets.set(packetId, before)
      else packets.delete(packetId)
    })
  }

  #pruneLater(): void {
    this.#cancelPrune = this.#clock.after(PRUNE_EVERY_MS, () => {
      // A failed prune is tried again in a minute; the store itself reports what is wrong.
      this.#store.put(['pruneSourceKeys', this.#clock.now() - KEPT_MS]).catch(() => undefined)
      this.#pruneLater()
    })
  }
}

type Publish = NonNullable<Arrival['publish']>

interface SeenPacket {
  readonly hash: string
  readonly at: number
}

function entryOf(packets: Map<string, Map<number, SeenPacket>>, account: string): Map<number, SeenPacket> {
  const known = packets.get(account)
  if (known) return known
  const own = new Map<number, SeenPacket>()
  packets.set(account, own)
  return own
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

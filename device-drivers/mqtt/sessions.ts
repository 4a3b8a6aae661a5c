import { Readable } from 'node:stream'
import type { MqttStore } from '../../gateway/ports.ts'
import {
  fromRow,
  subscriptionsFromRow,
  subscriptionsToRow,
  toRow,
  type BrokerPacket,
  type Subscribed,
} from './stored-packet.ts'
import { hasWildcard, topicMatches } from './topic.ts'

export interface SessionLimits {
  /** Sessions that one account may leave behind; the oldest goes when one more comes. */
  readonly sessionsPerAccount: number
  /** Messages kept for a client that is away; the oldest goes. */
  readonly queued: number
  /** Bytes of retained messages of one account. */
  readonly retainedBytesPerAccount: number
}

interface Queued {
  readonly sequence: number
  packet: BrokerPacket
}

interface ClientId {
  readonly id: string
}

/**
 * What a broker must remember, as aedes asks for it: in memory for reading, every change written through
 * to the store. Half-done inbound QoS 2 handshakes stay in memory: after a restart the client sends the
 * message again and the hub knows it by its packet id.
 */
export class Sessions {
  readonly #store: MqttStore
  readonly #limits: SessionLimits
  readonly #maySubscribe: (clientId: string, filter: string) => boolean
  readonly #dropped: (what: string, example: string) => void
  readonly #retained = new Map<string, BrokerPacket>()
  readonly #retainedBytes = new Map<string, number>()
  /** Client id → filter → subscription, oldest session first. */
  readonly #subscriptions = new Map<string, Map<string, Subscribed>>()
  /** Filter → client ids, of subscriptions whose messages wait for their client. */
  readonly #exact = new Map<string, Set<string>>()
  readonly #wildcards = new Map<string, Set<string>>()
  readonly #queues = new Map<string, Queued[]>()
  readonly #incoming = new Map<string, Map<number, BrokerPacket>>()
  readonly #wills = new Map<string, BrokerPacket>()
  #sequence = 0
  #brokerId = ''
  #frozen = false

  constructor(given: {
    readonly store: MqttStore
    readonly limits: SessionLimits
    readonly maySubscribe: (clientId: string, filter: string) => boolean
    /** Something did not fit and was left out. */
    readonly dropped: (what: string, example: string) => void
  }) {
    this.#store = given.store
    this.#limits = given.limits
    this.#maySubscribe = given.maySubscribe
    this.#dropped = given.dropped
    for (const { kind, key, value } of given.store.load()) this.#restore(kind, key, value)
    for (const queue of this.#queues.values()) queue.sort((a, b) => a.sequence - b.sequence)
  }

  /** The gateway stops: what the end of connections would delete stays for the next start. */
  freeze(): void {
    this.#frozen = true
  }

  async setup(broker: { readonly id: string }): Promise<void> {
    this.#brokerId = broker.id
  }

  async destroy(): Promise<void> {
    this.#frozen = true
  }

  // ---- retained messages ----

  /** False when the account has no room left: then the message is not retained. */
  async keepRetained(account: string, packet: BrokerPacket): Promise<boolean> {
    const before = this.#retained.get(packet.topic)
    const grown =
      (this.#retainedBytes.get(account) ?? 0) + retainedSize(packet) - (before ? retainedSize(before) : 0)
    if (packet.payload.length > 0 && grown > this.#limits.retainedBytesPerAccount) {
      this.#dropped('retained messages beyond the bound', account)
      return false
    }
    this.#retainedBytes.set(account, grown)
    await this.storeRetained({ ...packet, clientId: `${account}/` })
    return true
  }

  async storeRetained(packet: BrokerPacket): Promise<void> {
    const { topic, payload } = packet
    const before = this.#retained.get(topic)
    // aedes stores again, after the acknowledgement, what was kept before it.
    if (before?.payload === payload) return
    if (payload.length === 0) {
      if (!before) return
      this.#retained.delete(topic)
      await this.#store.delete('retained', topic)
    } else {
      this.#retained.set(topic, { ...packet })
      await this.#store.put('retained', topic, toRow(packet))
    }
  }

  createRetainedStream(filter: string): Readable {
    return this.createRetainedStreamCombi([filter])
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(this.#retainedBy(filters))
  }

  *#retainedBy(filters: readonly string[]): Iterable<BrokerPacket> {
    for (const filter of filters) {
      if (!hasWildcard(filter)) {
        const packet = this.#retained.get(filter)
        if (packet) yield packet
        continue
      }
      for (const [topic, packet] of this.#retained) if (topicMatches(filter, topic)) yield packet
    }
  }

  // ---- subscriptions of sessions ----

  async addSubscriptions(client: ClientId, subscriptions: readonly Subscribed[]): Promise<void> {
    // aedes hands over refused subscriptions too; queued messages must not leak through them.
    const allowed = subscriptions.filter(({ topic }) => this.#maySubscribe(client.id, topic))
    if (allowed.length === 0) return
    if (!this.#subscriptions.has(client.id)) await this.#makeRoom(client.id)
    this.#subscribe(client.id, allowed)
    await this.#writeSubscriptions(client.id)
  }

  async removeSubscriptions(client: ClientId, filters: readonly string[]): Promise<void> {
    const own = this.#subscriptions.get(client.id)
    if (!own) return
    for (const filter of filters) {
      own.delete(filter)
      this.#unindex(filter, client.id)
    }
    if (own.size === 0) this.#subscriptions.delete(client.id)
    await this.#writeSubscriptions(client.id)
  }

  async subscriptionsByClient(client: ClientId): Promise<Subscribed[]> {
    return [...(this.#subscriptions.get(client.id)?.values() ?? [])]
  }

  async subscriptionsByTopic(topic: string): Promise<(Subscribed & { readonly clientId: string })[]> {
    if (this.#exact.size === 0 && this.#wildcards.size === 0) return []
    const found = new Map<string, Subscribed & { readonly clientId: string }>()
    const add = (filter: string, clientIds: ReadonlySet<string>): void => {
      for (const clientId of clientIds) {
        const own = this.#subscriptions.get(clientId)?.get(filter)
        if (own && (found.get(clientId)?.qos ?? 0) <= own.qos) found.set(clientId, { ...own, clientId })
      }
    }
    const exact = this.#exact.get(topic)
    if (exact) add(topic, exact)
    for (const [filter, clientIds] of this.#wildcards) if (topicMatches(filter, topic)) add(filter, clientIds)
    return [...found.values()]
  }

  /** A clean session begins: the old one and what waited for it are gone. */
  async cleanSubscriptions(client: ClientId): Promise<void> {
    await this.#forget(client.id)
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    let subsCount = 0
    for (const own of this.#subscriptions.values())
      for (const { qos } of own.values()) if (qos > 0) subsCount++
    return { subsCount, clientsCount: this.#subscriptions.size }
  }

  getClientList(filter: string): Readable {
    const ids = [...this.#subscriptions].filter(([, own]) => own.has(filter)).map(([clientId]) => clientId)
    return Readable.from(ids)
  }

  // ---- messages that wait for their client ----

  async outgoingEnqueue(
    to: { readonly clientId: string; readonly qos?: number },
    packet: BrokerPacket,
  ): Promise<void> {
    const queue = this.#queues.get(to.clientId) ?? []
    this.#queues.set(to.clientId, queue)
    const entry: Queued = { sequence: ++this.#sequence, packet: { ...packet, messageId: undefined } }
    queue.push(entry)
    const oldest = queue.length > this.#limits.queued ? queue.shift() : undefined
    if (oldest) {
      this.#dropped('queued messages beyond the bound', to.clientId)
      await this.#store.delete('queue', queueKey(to.clientId, oldest))
    }
    await this.#store.put('queue', queueKey(to.clientId, entry), toRow(entry.packet))
  }

  async outgoingEnqueueCombi(
    to: readonly { readonly clientId: string; readonly qos?: number }[],
    packet: BrokerPacket,
  ): Promise<void> {
    if (to.length === 0) return
    await Promise.all(to.map((one) => this.outgoingEnqueue(one, packet)))
  }

  async outgoingUpdate(client: ClientId, packet: BrokerPacket): Promise<void> {
    for (const entry of this.#queues.get(client.id) ?? []) {
      const isSame =
        entry.packet.brokerId === packet.brokerId && entry.packet.brokerCounter === packet.brokerCounter
      if (isSame) {
        entry.packet.messageId = packet.messageId
        return
      }
      if (entry.packet.brokerId !== packet.brokerId && entry.packet.messageId === packet.messageId) {
        entry.packet = packet
        return
      }
    }
    throw new Error('no such packet')
  }

  async outgoingClearMessageId(client: ClientId, packet: BrokerPacket): Promise<BrokerPacket | undefined> {
    const queue = this.#queues.get(client.id)
    const at = queue?.findIndex((entry) => entry.packet.messageId === packet.messageId) ?? -1
    const entry = at < 0 ? undefined : queue?.splice(at, 1)[0]
    if (!entry) return undefined
    if (queue?.length === 0) this.#queues.delete(client.id)
    await this.#store.delete('queue', queueKey(client.id, entry))
    return entry.packet
  }

  outgoingStream(client: ClientId): Readable {
    return Readable.from((this.#queues.get(client.id) ?? []).map((entry) => entry.packet))
  }

  // ---- inbound QoS 2 ----

  async incomingStorePacket(client: ClientId, packet: BrokerPacket): Promise<void> {
    const own = this.#incoming.get(client.id) ?? new Map<number, BrokerPacket>()
    this.#incoming.set(client.id, own)
    own.set(packet.messageId ?? 0, { ...packet })
  }

  async incomingGetPacket(client: ClientId, packet: BrokerPacket): Promise<BrokerPacket> {
    const found = this.#incoming.get(client.id)?.get(packet.messageId ?? 0)
    if (!found) throw new Error('no such packet')
    return found
  }

  async incomingDelPacket(client: ClientId, packet: BrokerPacket): Promise<void> {
    const own = this.#incoming.get(client.id)
    if (!own?.delete(packet.messageId ?? 0)) throw new Error('no such packet')
    if (own.size === 0) this.#incoming.delete(client.id)
  }

  async cleanIncoming(client: ClientId): Promise<void> {
    this.#incoming.delete(client.id)
  }

  // ---- wills ----

  async putWill(client: ClientId, will: BrokerPacket): Promise<void> {
    // aedes tells by these whose will it is and whether its broker still lives.
    will.brokerId = this.#brokerId
    will.clientId = client.id
    this.#wills.set(client.id, will)
    await this.#store.put('will', client.id, toRow(will))
  }

  async getWill(client: ClientId): Promise<BrokerPacket | undefined> {
    return this.#wills.get(client.id)
  }

  async delWill(client: ClientId): Promise<BrokerPacket | undefined> {
    const will = this.#wills.get(client.id)
    if (!will || this.#frozen) return will
    this.#wills.delete(client.id)
    await this.#store.delete('will', client.id)
    return will
  }

  streamWill(living: Readonly<Record<string, unknown>> = {}): Readable {
    return Readable.from(
      [...this.#wills.values()].filter((will) => living[will.brokerId ?? ''] === undefined),
    )
  }

  // ----

  #restore(kind: string, key: string, value: Uint8Array): void {
    switch (kind) {
      case 'retained': {
        const packet = fromRow(value)
        this.#retained.set(key, packet)
        const account = accountOf(packet.clientId ?? '')
        this.#retainedBytes.set(account, (this.#retainedBytes.get(account) ?? 0) + retainedSize(packet))
        break
      }
      case 'will':
        this.#wills.set(key, fromRow(value))
        break
      case 'subscriptions':
        this.#subscribe(key, subscriptionsFromRow(value))
        break
      case 'queue': {
        const [clientId = '', sequence = '0'] = key.split('\n')
        const queue = this.#queues.get(clientId) ?? []
        this.#queues.set(clientId, queue)
        queue.push({ sequence: Number(sequence), packet: fromRow(value) })
        this.#sequence = Math.max(this.#sequence, Number(sequence))
        break
      }
    }
  }

  #subscribe(clientId: string, subscriptions: readonly Subscribed[]): void {
    const own = this.#subscriptions.get(clientId) ?? new Map<string, Subscribed>()
    this.#subscriptions.set(clientId, own)
    for (const subscription of subscriptions) {
      own.set(subscription.topic, { ...subscription })
      if (subscription.qos === 0) this.#unindex(subscription.topic, clientId)
      else this.#index(subscription.topic, clientId)
    }
  }

  #index(filter: string, clientId: string): void {
    const table = hasWildcard(filter) ? this.#wildcards : this.#exact
    const ids = table.get(filter)
    if (ids) ids.add(clientId)
    else table.set(filter, new Set([clientId]))
  }

  #unindex(filter: string, clientId: string): void {
    const table = hasWildcard(filter) ? this.#wildcards : this.#exact
    const ids = table.get(filter)
    if (ids?.delete(clientId) && ids.size === 0) table.delete(filter)
  }

  async #writeSubscriptions(clientId: string): Promise<void> {
    const own = this.#subscriptions.get(clientId)
    if (own) await this.#store.put('subscriptions', clientId, subscriptionsToRow([...own.values()]))
    else await this.#store.delete('subscriptions', clientId)
  }

  /** One account cannot fill the disk with sessions: the oldest of its own gives way. */
  async #makeRoom(clientId: string): Promise<void> {
    const account = accountOf(clientId)
    const own = [...this.#subscriptions.keys()].filter((id) => accountOf(id) === account)
    const oldest = own[0]
    if (oldest === undefined || own.length < this.#limits.sessionsPerAccount) return
    this.#dropped('sessions beyond the bound', oldest)
    await this.#forget(oldest)
  }

  async #forget(clientId: string): Promise<void> {
    const own = this.#subscriptions.get(clientId)
    const queue = this.#queues.get(clientId)
    if (!own && !queue) return
    for (const filter of own?.keys() ?? []) this.#unindex(filter, clientId)
    this.#subscriptions.delete(clientId)
    this.#queues.delete(clientId)
    await Promise.all([
      ...(own ? [this.#store.delete('subscriptions', clientId)] : []),
      ...(queue ?? []).map((entry) => this.#store.delete('queue', queueKey(clientId, entry))),
    ])
  }
}

/** Client ids are `<account>/<what the client calls itself>`. */
export const accountOf = (clientId: string): string => clientId.slice(0, Math.max(0, clientId.indexOf('/')))

const retainedSize = (packet: BrokerPacket): number => packet.topic.length + packet.payload.length + 100

const queueKey = (clientId: string, { sequence }: Queued): string => `${clientId}\n${sequence}`

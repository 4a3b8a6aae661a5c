import { randomUUID } from 'node:crypto'
import type { AuthenticateError, Client, ConnectPacket, PublishPacket, Subscription } from 'aedes'
import { codeOf, isGanglionError, messageOf } from '../../base/errors.ts'
import type { Arrival, TransportContext } from '../../gateway/ports.ts'
import { shown, toArrival } from './arrival.ts'
import { accountOf, type Sessions } from './sessions.ts'
import type { Speaker } from './speaker.ts'
import type { BrokerPacket } from './stored-packet.ts'

const CONNECTIONS_PER_ACCOUNT = 8
const LONGEST_CLIENT_ID = 128
const LONGEST_SECRET = 200

/** What the authorisations of aedes are answered with. */
type Done = (error?: Error | null) => void

/** Everything that aedes asks before it lets something through. Nothing thrown here may reach it. */
export class Doors {
  readonly #context: Pick<TransportContext, 'intake' | 'accounts'>
  readonly #speakers: ReadonlyMap<string, Speaker>
  readonly #sessions: Sessions
  readonly #known = new WeakMap<Client, Speaker>()
  readonly #connected = new Map<string, Set<Client>>()
  /** Their CONNECT packets, until they are let in or refused. */
  readonly #asking = new WeakMap<Client, ConnectPacket>()
  #isOpen = true

  constructor(
    context: Pick<TransportContext, 'intake' | 'accounts'>,
    speakers: ReadonlyMap<string, Speaker>,
    sessions: Sessions,
  ) {
    this.#context = context
    this.#speakers = speakers
    this.#sessions = sessions
  }

  close(): void {
    this.#isOpen = false
  }

  /** Client ids live inside their account, so that nobody takes over another one's session. */
  beforeConnect(
    client: Client,
    packet: ConnectPacket,
    done: (error: Error | null, ok: boolean) => void,
  ): void {
    const { clientId, username, clean, protocolVersion } = packet
    if (protocolVersion === 5)
      this.#context.intake.trouble(
        'mqtt: MQTT 5 refused',
        `${this.#knownName(username)}: set the device to MQTT 3.1.1`,
      )
    const isFine =
      clientId.length <= LONGEST_CLIENT_ID && !/\p{Cc}/u.test(clientId) && (clientId !== '' || clean === true)
    if (!isFine) {
      this.#context.intake.trouble('mqtt: bad client id', this.#knownName(username))
      done(new Error('wanted a client id of 1 to 128 characters'), false)
      return
    }
    this.#asking.set(client, packet)
    packet.clientId = `${this.#knownName(username)}/${clientId === '' ? randomUUID() : clientId}`
    done(null, true)
  }

  authenticate(
    client: Client,
    account: string | undefined,
    secret: Buffer | undefined,
    done: (error: AuthenticateError | null, ok: boolean | null) => void,
  ): void {
    try {
      const speaker = this.#speakers.get(account ?? '')
      const isRight =
        this.#isOpen &&
        secret !== undefined &&
        secret.length <= LONGEST_SECRET &&
        // Verified even for a stranger, so that the answer does not tell which accounts exist.
        this.#context.accounts.verify(account ?? '', secret.toString('utf8')) &&
        speaker !== undefined
      this.#forgetSecret(client)
      if (!isRight) {
        this.#context.intake.trouble(
          `mqtt: not-allowed (${this.#knownName(account)})`,
          'wrong account or secret',
        )
        if (this.#isOpen && account && !this.#speakers.has(account)) this.#newAccount(account)
        done(refusal(4), null)
        return
      }
      this.#known.set(client, speaker)
      this.#arrived(client, speaker.account)
      done(null, true)
    } catch (error) {
      this.#context.intake.trouble('mqtt: accounts cannot be read', messageOf(error))
      done(refusal(3), null)
    }
  }

  subscribe(
    client: Client,
    subscription: Subscription,
    done: (error: Error | null, granted?: Subscription | null) => void,
  ): void {
    const speaker = this.#known.get(client)
    if (!speaker?.maySubscribe(subscription.topic)) {
      this.#context.intake.trouble(
        `mqtt: not-allowed (${speaker?.account ?? 'unknown'})`,
        `subscribe ${shown(subscription.topic)}`,
      )
      done(null, null)
      return
    }
    if (subscription.qos > 1) subscription.qos = 1
    done(null, subscription)
  }

  /** Is it a bridge that has been let in? */
  isBridge(client: Client | undefined): boolean {
    return client !== undefined && this.#known.get(client)?.isBridge === true
  }

  isConnected(account: string): boolean {
    return this.#connected.has(account)
  }

  mayHear(client: Client, topic: string): boolean {
    return this.#known.get(client)?.mayHear(topic) ?? false
  }

  /** Holds the acknowledgement back until the hub has taken the message; an error closes the connection. */
  publish(client: Client | null, packet: PublishPacket, done: Done): void {
    try {
      const speaker =
        (client ? this.#known.get(client) : undefined) ??
        // The will of a client that went down with an earlier gateway.
        this.#speakers.get(accountOf((packet as { clientId?: string }).clientId ?? ''))
      const wrong = this.#refused(speaker, packet.topic)
      if (wrong || !speaker) {
        done(wrong ?? new Error('unknown'))
        return
      }
      const { intake } = this.#context
      const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload)
      const said = { ...packet, payload, isRetained: false }
      const arrival = toArrival({ wire: 'mqtt', intake, session: speaker.account }, speaker, said)
      // What was shown at a door is for nobody else to hear, and never kept.
      if (arrival?.presented) packet.retain = false
      if (arrival === undefined && !packet.retain) {
        done(null)
        return
      }
      this.#take(speaker, packet, arrival).then(
        () => done(null),
        (error: unknown) => done(asError(error)),
      )
    } catch (error) {
      done(asError(error))
    }
  }

  left(client: Client): void {
    const speaker = this.#known.get(client)
    const own = speaker && this.#connected.get(speaker.account)
    if (!speaker || !own?.delete(client) || own.size > 0) return
    this.#connected.delete(speaker.account)
    if (this.#isOpen) this.#context.intake.state(`mqtt ${speaker.account}`, 'away')
  }

  failed(client: Client, error: Error): void {
    const account = this.#known.get(client)?.account
    // What the hub or these doors refused has been counted where it was refused.
    if (!this.#isOpen || isGanglionError(error) || error instanceof Refused) return
    this.#context.intake.trouble(
      `mqtt: connection failed${account === undefined ? '' : ` (${account})`}`,
      `${codeOf(error)}: ${error.message}`,
    )
    this.left(client)
  }

  #refused(speaker: Speaker | undefined, topic: string): Error | undefined {
    if (!this.#isOpen) return new Refused('the gateway is stopping')
    if (!speaker?.mayPublish(topic)) {
      this.#context.intake.trouble(
        `mqtt: not-allowed (${speaker?.account ?? 'unknown'})`,
        `publish ${shown(topic)}`,
      )
      return new Refused('not allowed')
    }
    if (!speaker.rate.take()) {
      this.#context.intake.trouble(`mqtt: rate-exceeded (${speaker.account})`, shown(topic))
      return new Refused('too many messages a second')
    }
    return undefined
  }

  async #take(speaker: Speaker, packet: PublishPacket, arrival: Arrival | undefined): Promise<void> {
    if (arrival !== undefined) await this.#context.intake.accept(arrival)
    if (!packet.retain) return
    const kept = await this.#sessions.keepRetained(speaker.account, packet as BrokerPacket) // payload is a Buffer off the wire
    if (!kept) packet.retain = false
  }

  #arrived(client: Client, account: string): void {
    const own = this.#connected.get(account) ?? new Set<Client>()
    this.#connected.set(account, own)
    own.add(client)
    if (own.size === 1) this.#context.intake.state(`mqtt ${account}`, 'connected')
    if (own.size <= CONNECTIONS_PER_ACCOUNT) return
    const [oldest] = own
    if (!oldest) return
    this.#context.intake.trouble(
      `mqtt: too many connections (${account})`,
      `more than ${CONNECTIONS_PER_ACCOUNT}`,
    )
    own.delete(oldest)
    oldest.close()
  }

  /** aedes keeps the packet as long as the connection lasts. */
  #forgetSecret(client: Client): void {
    const packet = this.#asking.get(client)
    if (packet) delete packet.password
    this.#asking.delete(client)
  }

  #newAccount(account: string): void {
    this.#context.intake.stranger({ transport: 'mqtt', address: account, example: 'it asked to come in' })
  }

  /** A name from outside is repeated only if it is one of ours: counters and session keys stay few. */
  #knownName(account: string | undefined): string {
    return account !== undefined && this.#speakers.has(account) ? account : 'unknown'
  }
}

/** The connection is closed for a reason that has been counted. */
class Refused extends Error {}

function refusal(returnCode: 3 | 4): AuthenticateError {
  const error = new Refused(returnCode === 4 ? 'wrong account or secret' : 'try again later')
  // Their const enum cannot be imported where types are only stripped.
  return Object.assign(error, { returnCode }) as Error as AuthenticateError
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

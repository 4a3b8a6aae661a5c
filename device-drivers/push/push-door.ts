import { BlockList, isIPv6 } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { isGanglionError } from '../../base/errors.ts'
import type { Arrival, Intake, TransportContext } from '../../gateway/ports.ts'
import type { Push } from '../../gateway/push.ts'
import { Rate } from '../rate.ts'
import type { OpenForm, PushForm, PushHead, PushOutcome, PushRead, PushRequest, PushSaid } from './form.ts'
import type { HttpReply, HttpRequest } from './http-door.ts'
import type { PushedDevice, PushedDevices } from './pushed-devices.ts'

const DEFAULT_RATE = 1000
const STORE_RETRY_S = 5
const SECRET_RETRY_S = 60

const plain = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): HttpReply => ({
  status,
  text,
  headers,
})

/** One entry of `pushes:`: judges who posts, reads it, and answers once all that follows from it is committed. */
export class PushDoor {
  readonly push: Push
  readonly form: PushForm
  readonly #clock: Clock
  readonly #intake: Intake
  readonly #secret: TransportContext['secret']
  readonly #devices: PushedDevices
  readonly #rate: Rate
  readonly #sources: BlockList | undefined
  #open: OpenForm | undefined

  constructor(
    push: Push,
    form: PushForm,
    devices: PushedDevices,
    { clock, intake, secret, limits }: Pick<TransportContext, 'clock' | 'intake' | 'secret' | 'limits'>,
  ) {
    this.push = push
    this.form = form
    this.#devices = devices
    this.#clock = clock
    this.#intake = intake
    this.#secret = secret
    this.#rate = new Rate(clock, limits.messagesPerSecond ?? DEFAULT_RATE)
    this.#sources = push.from && networks(push.from)
  }

  /** None until its secrets could be read; they are looked for again at each request. */
  open(): OpenForm | undefined {
    if (this.#open) return this.#open
    try {
      this.#open = this.form.open(this.push.settings, this.#secret)
      this.#intake.state(`push ${this.push.id}`, 'open')
      return this.#open
    } catch (error) {
      if (!isGanglionError(error)) throw error
      this.#intake.state(`push ${this.push.id}`, 'failed', error.message)
      this.#trouble(error.code, error.message)
      return undefined
    }
  }

  async answer(request: HttpRequest, below: string): Promise<HttpReply> {
    const { source, method, query } = request
    if (this.#sources && !isIn(this.#sources, source)) {
      this.#trouble('not-allowed', `${source} is not in "from"`)
      return plain(404, 'not found')
    }
    if (!isMethod(method) || !this.form.methods.includes(method))
      return plain(405, 'wrong method', { allow: this.form.methods.join(', ') })
    const form = this.open()
    if (!form) return plain(503, 'not ready', { 'retry-after': String(SECRET_RETRY_S) })
    const head: PushHead = { method, below, query, header: request.header }
    const admitted = form.admit(head, this.#clock.now())
    if (admitted.is === 'refused') return this.#refuse(admitted.reason, source)
    if (isPacked(request.header('content-encoding')))
      return plain(415, 'wanted a body that is not compressed')
    const whole: PushRequest = { ...head, body: method === 'POST' ? await request.body() : Buffer.alloc(0) }
    const verified = form.verify?.(whole, this.#clock.now())
    if (verified?.is === 'refused') return this.#refuse(verified.reason, source)
    // Counted only now: nobody but the cloud itself can use its rate up.
    if (!this.#rate.take()) {
      this.#trouble('rate-exceeded', source)
      return plain(429, 'too many pushes', { 'retry-after': '1' })
    }
    return this.#take(form, whole)
  }

  async #take(form: OpenForm, request: PushRequest): Promise<HttpReply> {
    let read: PushRead
    try {
      read = form.read(request)
    } catch (error) {
      if (!isGanglionError(error, 'payload-invalid')) throw error
      this.#trouble('payload-invalid', error.message)
      return this.form.onUnreadable === 'taken' ? plain(200, 'ok') : plain(400, error.message)
    }
    if (read.is === 'handshake') return plain(200, read.text)
    const tally = { taken: 0, seenBefore: 0, unknown: 0, wrong: 0 }
    const arrivals = read.said.flatMap((said) => this.#toArrival(said, tally))
    // Of several devices at once, since each waits for the disk; of one in the order of the push.
    const byDevice = Map.groupBy(arrivals, ({ deviceId }) => deviceId)
    const stored = await Promise.allSettled([...byDevice.values()].map((own) => this.#store(own, tally)))
    for (const one of stored) {
      if (one.status === 'fulfilled') continue
      if (!isGanglionError(one.reason) || one.reason.retry !== 'later') throw one.reason
      return plain(503, 'it cannot be stored now', { 'retry-after': String(STORE_RETRY_S) })
    }
    const reply = form.reply?.(tally)
    return reply ? { status: 200, text: JSON.stringify(reply), type: 'application/json' } : plain(200, 'ok')
  }

  async #store(arrivals: readonly Arrival[], tally: Writable<PushOutcome>): Promise<void> {
    for (const arrival of arrivals) {
      const accepted = await this.#intake.accept(arrival)
      if (accepted === 'taken') tally.taken++
      else tally.seenBefore++
    }
  }

  /** What is no arrival is counted here: it never becomes one by being sent again. */
  #toArrival(said: PushSaid, tally: Writable<PushOutcome>): readonly Arrival[] {
    if (said.is === 'ignored') return []
    if (said.is === 'wrong') {
      tally.wrong++
      this.#trouble('payload-invalid', said.reason)
      return []
    }
    const device = this.#devices.find(this.push.id, said.names)
    if (!device) {
      tally.unknown++
      this.#unknown(said)
      return []
    }
    if (said.is === 'presence') {
      this.#intake.state(device.id, said.online ? 'online' : 'offline', `says ${this.push.id}`)
      return []
    }
    const arrival = this.#decoded(device, said)
    if (!arrival) tally.wrong++
    return arrival ? [arrival] : []
  }

  #decoded(device: PushedDevice, said: PushSaid & { is: 'message' }): Arrival | undefined {
    const { repeatsFor } = this.form
    try {
      const decoded = device.decode(said.payload)
      if (decoded.is !== 'message') return { deviceId: device.id, fields: {} }
      if (decoded.complaint !== undefined) this.#trouble(`payload-invalid (${device.id})`, decoded.complaint)
      const messageId = said.messageId ?? decoded.messageId
      const time = said.time ?? decoded.time
      return {
        deviceId: device.id,
        fields: decoded.fields,
        ...(messageId !== undefined && { messageId }),
        ...(time !== undefined && { time }),
        ...(repeatsFor !== undefined && { repeatsFor }),
      }
    } catch (error) {
      if (!isGanglionError(error, 'payload-invalid')) throw error
      this.#trouble(`payload-invalid (${device.id})`, error.message)
      return undefined
    }
  }

  #unknown(said: PushSaid & { is: 'message' | 'presence' }): void {
    const { names } = said
    this.#trouble('device-unknown', JSON.stringify(names.join(' or ').slice(0, 120)))
    // The IMEI is what stands on the device.
    const address = names.find((name) => /^\d{15}$/.test(name)) ?? names[0]
    if (said.is !== 'message' || address === undefined) return
    const { payload } = said
    this.#intake.stranger({
      transport: 'http-push',
      account: this.push.id,
      address,
      example: Buffer.isBuffer(payload) ? payload.toString('hex') : JSON.stringify(payload),
    })
  }

  #refuse(reason: string, source: string): HttpReply {
    this.#trouble('not-allowed', `${source}: ${reason}`)
    // A wrong secret path is a path that is not there.
    return this.form.hasSecretPath ? plain(404, 'not found') : plain(401, 'not allowed')
  }

  #trouble(what: string, example: string): void {
    this.#intake.trouble(`push ${this.push.id}: ${what}`, example)
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

const isMethod = (method: string): method is 'GET' | 'POST' => method === 'GET' || method === 'POST'

const isPacked = (encoding: string | undefined): boolean =>
  encoding !== undefined && encoding.toLowerCase() !== 'identity'

function networks(from: readonly string[]): BlockList {
  const list = new BlockList()
  for (const one of from) {
    const [address = '', bits] = one.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

/** A socket on `[::]` names IPv4 callers `::ffff:1.2.3.4`. */
function isIn(list: BlockList, source: string): boolean {
  const address = source.replace(/^::ffff:(?=\d+\.)/, '')
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

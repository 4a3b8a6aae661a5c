import type { Clock, Duration } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { CommandGate, isCounted } from './command-gate.ts'
import {
  commandFromRow,
  commandToRow,
  type CommandRecord,
  type CommandRow,
  type CommandWish,
  type Outcome,
} from './command-record.ts'
import type { Confirm } from './device-command.ts'
import type { Device } from './device.ts'
import { Draft } from './draft.ts'
import type { EnabledCommand } from './enabled-commands.ts'
import type { Order, Sent } from './order.ts'
import type { Transport } from './ports.ts'
import type { Reading } from './reading.ts'
import type { Store } from './store/store.ts'

const HOUR_MS = 3_600_000
/** Longer than a transport waits for an answer, its one repetition included. */
const LONGEST_SEND_MS = 60_000
const STORE_RETRY_MS = 1000
/** A device's own clock may be so far behind. */
const CLOCK_SLACK_MS = 2000
const KEPT_MS = 366 * 24 * HOUR_MS
const MOST_SHOWN = 1000

export interface CommandingContext {
  readonly clock: Clock
  readonly store: Store
  readonly devices: ReadonlyMap<string, Device>
  readonly trouble: (what: string, example: string) => void
}

/** A command that was sent and of which it is not yet known what came. */
interface UnderWay {
  readonly record: CommandRecord
  readonly isLifeSafety: boolean
  readonly confirm: Confirm | undefined
  readonly ended: Promise<CommandRecord>
  readonly end: (record: CommandRecord) => void
  /** The reading that shows it. */
  shown: Reading | undefined
  /** What was read instead. */
  last: Reading | undefined
  onShown: () => void
}

/**
 * 下达: the only way by which anything is asked of a device. Off unless the site enables it, rate-limited, written down
 * before it is sent, confirmed by reading back; nothing is ever sent twice.
 */
export class Commanding {
  readonly #context: CommandingContext
  #devices: ReadonlyMap<string, Device>
  readonly #underWay = new Map<string, UnderWay>()
  readonly #gate = new CommandGate()
  readonly #stop = new AbortController()
  readonly #find
  readonly #recent
  readonly #recentOf
  /** Hears of each command that goes out, just before it does. */
  onSent: (record: CommandRecord) => void = () => undefined
  /** By name; set once they are made. */
  transports: ReadonlyMap<string, Transport> = new Map()

  constructor(context: CommandingContext) {
    this.#context = context
    this.#devices = context.devices
    const { clock, store } = context
    const { reader } = store
    this.#find = reader.prepare('SELECT * FROM commands WHERE id = ?')
    this.#recent = reader.prepare('SELECT * FROM commands ORDER BY asked_at DESC, id LIMIT ?')
    this.#recentOf = reader.prepare(
      'SELECT * FROM commands WHERE device_id = ? ORDER BY asked_at DESC, id LIMIT ?',
    )
    const now = clock.now()
    const counted = reader
      .prepare("SELECT * FROM commands WHERE asked_at > ? AND outcome <> 'refused' ORDER BY asked_at")
      .all(now - HOUR_MS) as CommandRow[] // the columns of the table
    for (const record of counted.map(commandFromRow))
      if (isCounted(record)) this.#gate.passed(record, record.askedAt)
    const left = reader.prepare("SELECT * FROM commands WHERE outcome = 'under-way'").all() as CommandRow[] // the columns of the table
    const detail = 'the gateway stopped before it was known what came of it; it is not sent again'
    const ends = left.map(({ id }) => ['endCommand', 'unknown', detail, now, id] as const)
    // A store that cannot take it now has said so; the rows are found again at the next start.
    void store.put(...ends, ['pruneCommands', now - KEPT_MS]).catch(() => undefined)
  }

  /** Answers with what came of it; a request id that was used before answers with what came of that one. */
  async ask(wish: CommandWish): Promise<CommandRecord> {
    const record = await this.begin(wish)
    return this.ended(record)
  }

  /** What came of it, once that is known. */
  async ended(record: CommandRecord): Promise<CommandRecord> {
    return this.#underWay.get(record.requestId)?.ended ?? this.find(record.requestId) ?? record
  }

  /**
   * As `ask`, but answers once it is written down and on its way.
   * @throws GanglionError `store-full`, `store-failed`: nothing was sent.
   */
  async begin(wish: CommandWish): Promise<CommandRecord> {
    const known = this.find(wish.requestId)
    if (known) return known
    const draft = new Draft()
    const record = this.plan(draft, wish)
    await this.#context.store.commit(draft)
    draft.stored()
    return record
  }

  /**
   * Judges a wish and adds its record to a unit that is about to be stored, a raise for instance: the command goes out
   * once it is on the disk.
   */
  plan(draft: Draft, wish: CommandWish): CommandRecord {
    const { clock } = this.#context
    const now = clock.now()
    const device = this.#devices.get(wish.deviceId)
    const enabled = device?.commands?.get(wish.command)
    const refused = this.#gate.refusal(wish, { device, enabled, now }) ?? this.#sameUnderWay(wish)
    const { isLifeSafety = false, ...asked } = wish
    const siteId = device?.siteId ?? ''
    if (isLifeSafety) draft.lifeSafety = true
    if (refused !== undefined || !enabled || !device) {
      const detail = refused ?? ''
      const record: CommandRecord = {
        ...asked,
        siteId,
        askedAt: now,
        outcome: 'refused',
        detail,
        endedAt: now,
      }
      draft.add(commandToRow(record))
      return record
    }
    const record: CommandRecord = { ...asked, siteId, askedAt: now, outcome: 'under-way', detail: '' }
    if (isCounted(wish)) this.#gate.passed(record, now)
    const underWay = newUnderWay(record, isLifeSafety, enabled.command.confirm)
    this.#underWay.set(record.requestId, underWay)
    draft.add(commandToRow(record), () => {
      this.#underWay.delete(record.requestId)
      if (isCounted(wish)) this.#gate.takeBack(record, now)
    })
    draft.afterwards(() => void this.#carryOut(underWay, device, enabled))
    return record
  }

  find(requestId: string): CommandRecord | undefined {
    const row = this.#underWay.get(requestId)?.record
    if (row) return row
    const stored = this.#find.get(requestId) as CommandRow | undefined // the columns of the table
    return stored && commandFromRow(stored)
  }

  /** The newest first. */
  recent(limit: number, deviceId?: string): readonly CommandRecord[] {
    const most = Math.min(limit, MOST_SHOWN)
    const rows = deviceId === undefined ? this.#recent.all(most) : this.#recentOf.all(deviceId, most)
    return (rows as CommandRow[]).map(commandFromRow) // the columns of the table
  }

  /** Readings that a device has just given. */
  heard(deviceId: string, readings: readonly Reading[]): void {
    if (this.#underWay.size === 0) return
    for (const one of this.#underWay.values()) {
      const { confirm, record } = one
      if (record.deviceId !== deviceId || !confirm) continue
      for (const reading of readings) {
        // What was so before it was asked proves nothing.
        if (!confirm.isAbout(reading, record.part) || reading.at < record.askedAt - CLOCK_SLACK_MS) continue
        one.last = reading
        if (!confirm.holds(reading)) continue
        one.shown = reading
        one.onShown()
      }
    }
  }

  /** A call, so that the compiler believes it may have changed over an await. */
  #isStopped(): boolean {
    return this.#stop.signal.aborted
  }

  /** The box has changed; what is under way goes on. */
  replan(devices: ReadonlyMap<string, Device>): void {
    this.#devices = devices
  }

  /** What is under way stays so in the database, and is called unknown at the next start. */
  stop(): void {
    this.#stop.abort()
  }

  #sameUnderWay(wish: CommandWish): string | undefined {
    if (!isCounted(wish)) return undefined
    const { deviceId, command, part } = wish
    for (const { record } of this.#underWay.values()) {
      if (record.deviceId === deviceId && record.command === command && record.part === part)
        return `it is under way already, asked as ${record.requestId}`
    }
    return undefined
  }

  async #carryOut(underWay: UnderWay, device: Device, { command }: EnabledCommand): Promise<void> {
    const { record, confirm } = underWay
    const order = command.orderFor(record.part, record.requestId)
    this.onSent(record)
    const sent = await this.#send(device, order)
    if (this.#isStopped()) return
    if (sent.is === 'refused' || sent.is === 'away') {
      await this.#end(underWay, 'failed', sent.reason)
      return
    }
    const answer = sent.is === 'taken' ? (sent.note ?? 'the device took it') : sent.reason
    if (!confirm) {
      const outcome = sent.is === 'taken' ? 'unconfirmed' : 'failed'
      await this.#end(underWay, outcome, `${answer}; nothing is read back for it`)
      return
    }
    await this.#shownWithin(underWay, confirm.withinMs)
    if (this.#isStopped()) return
    const { shown, last } = underWay
    if (shown) await this.#end(underWay, 'confirmed', `${answer}; read back: ${valueText(shown)}`)
    else {
      const instead = last ? `it was ${valueText(last)}` : 'nothing was read'
      const wanted = `${confirm.text} within ${confirm.withinMs / 1000} s`
      await this.#end(underWay, 'unconfirmed', `${answer}; wanted ${wanted}, ${instead}`)
    }
  }

  async #send(device: Device, order: Order): Promise<Sent> {
    const { clock } = this.#context
    const transport = this.transports.get(device.address.transport)
    if (!transport?.send) return { is: 'away', reason: `${device.address.transport} does not run` }
    const late = new AbortController()
    const cancel = clock.after(LONGEST_SEND_MS, () => late.abort())
    try {
      return await transport.send(device.id, order, AbortSignal.any([late.signal, this.#stop.signal]))
    } catch (error) {
      // It may have gone out before whatever broke.
      return { is: 'silent', reason: messageOf(error) }
    } finally {
      cancel()
    }
  }

  #shownWithin(underWay: UnderWay, wait: Duration): Promise<void> {
    if (underWay.shown) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        this.#stop.signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#context.clock.after(wait, done)
      this.#stop.signal.addEventListener('abort', done)
      underWay.onShown = done
    })
  }

  async #end(underWay: UnderWay, outcome: Outcome, detail: string): Promise<void> {
    const { clock, store, trouble } = this.#context
    const now = clock.now()
    const ended: CommandRecord = {
      ...underWay.record,
      outcome,
      detail: detail.slice(0, 300),
      endedAt: now,
    }
    const { requestId, command, deviceId } = ended
    if (outcome !== 'confirmed' && ended.by.kind === 'rule')
      trouble(`command ${command} ${outcome} (${deviceId})`, ended.detail)
    for (;;) {
      const draft = new Draft()
      draft.lifeSafety = underWay.isLifeSafety
      draft.add(['endCommand', outcome, ended.detail, now, requestId])
      try {
        await store.commit(draft)
        break
      } catch {
        // The store has said what is wrong. Ended by its closing, it is called unknown at the next start.
        if (store.hasEnded || this.#isStopped()) break
        await new Promise<void>((resolve) => void clock.after(STORE_RETRY_MS, resolve))
      }
    }
    this.#underWay.delete(requestId)
    underWay.end(ended)
  }
}

function newUnderWay(record: CommandRecord, isLifeSafety: boolean, confirm: Confirm | undefined): UnderWay {
  const { promise, resolve } = Promise.withResolvers<CommandRecord>()
  return {
    record,
    isLifeSafety,
    confirm,
    ended: promise,
    end: resolve,
    shown: undefined,
    last: undefined,
    onShown: () => undefined,
  }
}

const valueText = ({ part, quantity, value, quality }: Reading): string =>
  `${part === '' ? '' : `${part}/`}${quantity} ${String(value)}${quality === 'good' ? '' : ` (${quality})`}`

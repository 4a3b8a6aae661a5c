import { isClockSet, type Clock, type Duration, type Instant } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { CommandRecord } from '../command-record.ts'
import type { Commanding } from '../commanding.ts'
import { Draft } from '../draft.ts'
import type { Order } from '../order.ts'
import type { Arrival, Presented } from '../ports.ts'
import type { Store } from '../store/store.ts'
import type { CredentialBook } from './credential-book.ts'
import type { DoorDevice, Doors } from './doors.ts'
import type { Issuer } from './issuer.ts'
import { readToken, type QrToken } from './qr-token.ts'
import type { Refusal } from './refusal.ts'
import { Tries } from './tries.ts'
import { UsedTokens } from './used-tokens.ts'

/** Readers that say nothing of it give up after this. */
const USUAL_WITHIN_MS: Duration = 3000
/** As long as a reading of an ask stands. */
const SAID_FOR_MS: Duration = 5000
const MOST_TIMES = 100

export interface GatekeeperContext {
  readonly clock: Clock
  readonly store: Store
  readonly boxId: string
  readonly doors: Doors
  readonly book: CredentialBook
  readonly commanding: Commanding
  /** Tells a reader what it asked for, where its wire can. */
  readonly answer: (readerId: string, order: Order) => Promise<void>
  readonly issuers: readonly Issuer[]
  readonly trouble: (what: string, example: string) => void
}

type Decision =
  | { readonly is: 'granted'; readonly by: string; readonly token?: QrToken }
  | { readonly is: 'refused'; readonly why: Refusal }

/** What came of the asks at a door since the start. */
export interface DoorFigures {
  readonly granted: number
  readonly refused: number
  /** From hearing the ask to the order on its way, of the last 100 that were granted. */
  readonly medianMs: number | null
  readonly slowestMs: number | null
}

interface Counted {
  granted: number
  refused: number
  readonly times: Duration[]
}

/** 门禁: decides on the spot who may come in. It needs no platform for that, and nobody needs it to get out. */
export class Gatekeeper {
  readonly #context: GatekeeperContext
  readonly #used: UsedTokens
  readonly #tries = new Tries()
  readonly #counted = new Map<string, Counted>()

  constructor(context: GatekeeperContext) {
    this.#context = context
    this.#used = new UsedTokens(context.store, context.clock)
  }

  /** Decides, opens, answers the reader. Never throws, and says nowhere what was shown. */
  async asked({ deviceId: readerId, presented, time }: Arrival): Promise<void> {
    const { doors, trouble } = this.#context
    if (!presented) return
    const door = doors.ofReader(readerId)
    if (!door) {
      trouble('a reader of no door', `${readerId}: "readers:" of a door names it`)
      await this.#answer(readerId, presented, 'door-fault')
      return
    }
    try {
      const why = await this.#letIn(door, readerId, presented, time)
      await this.#answer(readerId, presented, why)
      // What cannot be stored now the store has said; the door is open all the same.
      await this.#say(door, why).catch(() => undefined)
    } catch (error) {
      // The store could not write it down, so nothing was opened.
      trouble(`door ${door.id}: an ask failed`, messageOf(error))
      await this.#answer(readerId, presented, 'door-fault')
    }
  }

  figuresOf(doorId: string): DoorFigures {
    const { granted, refused, times } = this.#countOf(doorId)
    const sorted = [...times].sort((a, b) => a - b)
    const rounded = (ms: Duration | undefined): number | null =>
      ms === undefined ? null : Math.round(ms * 10) / 10
    return {
      granted,
      refused,
      medianMs: rounded(sorted[Math.floor(sorted.length / 2)]),
      slowestMs: rounded(sorted.at(-1)),
    }
  }

  /** Why not, or undefined when the order is on its way. */
  async #letIn(
    door: DoorDevice,
    readerId: string,
    presented: Presented,
    shownAt: Instant | undefined,
  ): Promise<Refusal | undefined> {
    const { clock, commanding, store } = this.#context
    const began = clock.ticks()
    const within = presented.within ?? USUAL_WITHIN_MS
    const isLate = (): boolean =>
      presented.isRepeated ||
      (shownAt !== undefined && clock.now() - shownAt > within) ||
      clock.ticks() - began > within
    if (isLate()) return 'late'
    if (!this.#tries.mayTry(readerId, began)) return 'too-often'
    const decision = await this.#decide(door, presented)
    if (decision.is === 'refused') {
      if (isGuess(decision.why)) this.#tries.wasWrong(readerId, began)
      return decision.why
    }
    this.#tries.wasRight(readerId)
    if (isLate()) return 'late'
    const draft = new Draft()
    if (decision.token && !this.#used.use(draft, door.id, decision.token)) return 'used'
    const record = commanding.plan(draft, {
      requestId: `${readerId}.${presented.askId}.${clock.now().toString(36)}`,
      deviceId: door.id,
      command: 'open-door',
      part: door.door.part,
      by: { kind: 'access', id: decision.by },
      reason: `shown at ${readerId}`,
    })
    await store.commit(draft)
    draft.stored()
    if (record.outcome === 'refused') {
      this.#context.trouble(`door ${door.id}: open-door refused`, record.detail)
      return 'door-fault'
    }
    const { times } = this.#countOf(door.id)
    times.push(clock.ticks() - began)
    if (times.length > MOST_TIMES) times.shift()
    void this.#follow(door, readerId, presented, record)
    return undefined
  }

  async #decide(door: DoorDevice, { shown }: Presented): Promise<Decision> {
    const { book, boxId, clock, issuers } = this.#context
    const now = clock.now()
    switch (shown.is) {
      case 'unreadable':
        return { is: 'refused', why: 'unreadable' }
      case 'card': {
        const card = book.card(door.siteId, shown.uid)
        const why = card ? card.refusalAt(door.id, now) : 'unknown'
        return why === undefined ? { is: 'granted', by: `card:${card?.id ?? ''}` } : { is: 'refused', why }
      }
      case 'code': {
        if (!isClockSet(now)) return { is: 'refused', why: 'clock-unset' }
        const audience = `${boxId}/${door.siteId}/${door.id}`
        const read = await readToken(shown.text, { issuers, audience, now })
        if (read.is === 'refused') return read
        const { token } = read
        if (book.isRevoked(door.siteId, token)) return { is: 'refused', why: 'revoked' }
        return { is: 'granted', by: `code:${token.id}`, token }
      }
    }
  }

  /** The light was green already: who waits is told when the door does not obey. */
  async #follow(
    door: DoorDevice,
    readerId: string,
    presented: Presented,
    record: CommandRecord,
  ): Promise<void> {
    const ended = await this.#context.commanding.ended(record)
    if (ended.outcome !== 'failed') return
    this.#context.trouble(`door ${door.id}: open-door failed`, ended.detail)
    await this.#answer(readerId, presented, 'door-fault')
  }

  /** For the reader's lamp and buzzer. It moves no lock: a door opens by its command alone. */
  async #answer(readerId: string, { askId }: Presented, why: Refusal | undefined): Promise<void> {
    const answer = { answer: askId, granted: why === undefined, ...(why !== undefined && { reason: why }) }
    const order = { is: 'publish', leaf: 'answer', payload: JSON.stringify(answer) } as const
    // Whether its lamp lights up changes nothing for the door.
    await this.#context
      .answer(readerId, order)
      .catch((error: unknown) => this.#context.trouble(`reader ${readerId}: not answered`, messageOf(error)))
  }

  async #say(door: DoorDevice, why: Refusal | undefined): Promise<void> {
    const counted = this.#countOf(door.id)
    if (why === undefined) counted.granted++
    else counted.refused++
    const says = why === undefined ? { accessGranted: true } : { accessRefused: true, accessReason: why }
    await this.#context.doors.say(door.id, says, SAID_FOR_MS)
  }

  #countOf(doorId: string): Counted {
    const known = this.#counted.get(doorId)
    if (known) return known
    const made = { granted: 0, refused: 0, times: [] }
    this.#counted.set(doorId, made)
    return made
  }
}

const isGuess = (why: Refusal): boolean =>
  why === 'unknown' || why === 'unreadable' || why === 'wrong-signature'

import assert from 'node:assert/strict'
import type { Static, TSchema } from 'typebox'
import { instant, type Instant } from '../base/clock.ts'
import type { ZoneStay } from '../gateway/detection.ts'
import { toReading, type Value } from '../gateway/reading.ts'
import type { QuantityId } from '../gateway/quantity.ts'
import type { Raise, RuleContext, RuleKind, Seen, Step } from '../gateway/rule.ts'

/** What a rule said, in the order in which the path acts on it. */
export type Said =
  | { readonly at: number; readonly is: 'raise'; readonly drill: boolean; readonly since: number }
  | { readonly at: number; readonly is: 'clear'; readonly drill: boolean; readonly ended: number }

export type Values = Partial<Record<QuantityId, Value>>

export interface Saying {
  /** The reading's own time in seconds; now by default. */
  readonly at?: number
  readonly stays?: readonly ZoneStay[]
  readonly quality?: 'good' | 'at-limit'
  readonly part?: string
  /** Seconds after which what is said ends by itself. */
  readonly lasts?: number
}

/** Runs one rule at one place for tests: seconds from 0, woken as it asks, and never taken at its word. */
export class RuleRun<S extends TSchema, State> {
  readonly said: Said[] = []
  readonly raises: Raise[] = []
  /** How often its memory would have been written. */
  writes = 0
  state: unknown
  now = 0
  readonly #step: (state: State, seen: Seen, now: Instant) => Step<State>
  readonly #standing = { real: false, drill: false }
  #wakeAt = Infinity
  #lastHeard = 0
  #startedAt = 0

  constructor(kind: RuleKind<S, State>, settings: Static<S>, context: Partial<RuleContext> = {}) {
    assert.deepEqual(kind.check?.(settings) ?? [], [])
    this.#step = kind.ready(settings, {
      silentAfter: 6000,
      isHere: () => true,
      isAtSite: () => true,
      partOf: (deviceId) => deviceId,
      isDrill: () => false,
      hasDrills: () => false,
      times: () => ({ isOpen: () => true, nextChange: () => undefined }),
      isOpen: () => true,
      nextOpeningChange: () => undefined,
      ...context,
    })
    this.state = kind.start
  }

  /** Time passes until this second; whatever it asked to be woken for comes on time. */
  until(second: number): this {
    while (this.#wakeAt <= second) {
      this.now = Math.max(this.#wakeAt, this.now)
      this.#wakeAt = Infinity
      this.#show({
        kind: 'wake',
        lastHeard: instant(this.#lastHeard * 1000),
        startedAt: instant(this.#startedAt * 1000),
      })
    }
    this.now = second
    return this
  }

  say(
    values: Values,
    { at = this.now, stays = [], quality = 'good', part = '', lasts }: Saying = {},
    deviceId = 'a',
  ): this {
    const readings = Object.entries(values).map(([quantity, value]) => ({
      ...toReading(quantity as QuantityId, part, value, instant(at * 1000), quality === 'at-limit'), // `Values` has quantities for keys
      ...(lasts !== undefined && { lastsMs: lasts * 1000 }),
    }))
    return this.#show({ kind: 'readings', deviceId, readings, stays })
  }

  heard(): this {
    this.#lastHeard = this.now
    return this.#show({ kind: 'heard', deviceId: 'a' })
  }

  /** The gateway ends here and starts again at this second: only what was written is left. */
  restart(second = this.now): this {
    this.now = second
    this.#wakeAt = Infinity
    this.#lastHeard = second
    this.state = JSON.parse(JSON.stringify(this.state))
    this.#startedAt = second
    return this.#show({ kind: 'wake', lastHeard: instant(second * 1000), startedAt: instant(second * 1000) })
  }

  /** The wall clock jumps by so many seconds; what was asked for is asked for again. */
  jump(by: number): this {
    this.now += by
    this.#wakeAt = Infinity
    this.#startedAt += by
    return this.#show({ kind: 'wake', lastHeard: instant(this.now * 1000), jumpedBy: by * 1000 })
  }

  #show(seen: Seen): this {
    const before = this.state as State // it came from the kind, or from its JSON
    const copy = JSON.stringify(before)
    const step = this.#step(before, seen, instant(this.now * 1000))
    assert.equal(JSON.stringify(before), copy, 'a step changed the memory it was given')
    if (step.state !== before) {
      this.writes++
      assert.notEqual(JSON.stringify(step.state), copy, 'memory was written again although nothing changed')
    }
    this.state = step.state
    if (step.wakeAt !== undefined) this.#wakeAt = step.wakeAt / 1000
    if (step.clear) this.#clear(step.clear)
    if (step.raise) this.#raise(step.raise)
    return this
  }

  #clear({ at, drill }: { readonly at: number; readonly drill: boolean }): void {
    const sort = drill ? 'drill' : 'real'
    assert.ok(this.#standing[sort], `cleared a ${sort} that does not stand`)
    this.#standing[sort] = false
    this.said.push({ at: this.now, is: 'clear', drill, ended: at / 1000 })
  }

  #raise(raise: Raise): void {
    const sort = raise.drill ? 'drill' : 'real'
    assert.ok(!this.#standing[sort], `raised a ${sort} twice`)
    this.#standing[sort] = true
    this.raises.push(raise)
    this.said.push({ at: this.now, is: 'raise', drill: raise.drill, since: raise.since / 1000 })
  }
}

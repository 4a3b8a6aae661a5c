import { GanglionError } from '../base/errors.ts'
import { boxChanges, restartKeys } from '../gateway/box-changes.ts'
import type { CaseBook } from '../gateway/case-book.ts'
import type { Commanding } from '../gateway/commanding.ts'
import { configHash, loadBox, type Box } from '../gateway/config.ts'
import type { DoorControl } from '../gateway/door/door-control.ts'
import type { Health } from '../gateway/health.ts'
import type { Holding } from '../gateway/holding.ts'
import type { LastReadings } from '../gateway/last-readings.ts'
import type { LiveBox } from '../gateway/live-box.ts'
import type { LocalActions } from '../gateway/local-actions.ts'
import type { Pipeline } from '../gateway/pipeline.ts'
import { rebindRules } from '../gateway/rebind.ts'
import type { Reloaded } from '../gateway/reload-routes.ts'
import type { Plans } from '../gateway/slots.ts'
import type { Store } from '../gateway/store/store.ts'
import type { ShippedRooms } from './rooms.ts'
import type { Wires } from './wires.ts'

/** The parts of a gateway that know the box. */
export interface ReloadingGiven {
  readonly box: LiveBox
  readonly rooms: ShippedRooms
  readonly plans: Plans
  readonly store: Store
  readonly cases: CaseBook
  readonly holding: Holding
  readonly lastReadings: LastReadings
  readonly commanding: Commanding
  readonly actions: LocalActions
  readonly control: DoorControl
  readonly pipeline: Pipeline
  readonly health: Health
  readonly wires: Wires
  /** Runs before anything changes: what the box needs outside its folder. */
  readonly prepare: (box: Box) => Promise<void>
  /** The wires are others now. */
  readonly rewired: () => void
}

/**
 * Takes a changed box over while the gateway runs. Wires that change are taken down first: what they have not had
 * acknowledged comes again. Then all parts change in one turn of the event loop, between two messages. Wires that stay
 * notice nothing.
 */
export class Reloading {
  readonly #given: ReloadingGiven
  #plans: Plans
  /** One at a time, in the order in which they were asked for. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(given: ReloadingGiven) {
    this.#given = given
    this.#plans = given.plans
  }

  /** What is bound now. */
  get plans(): Plans {
    return this.#plans
  }

  /**
   * Reads the folder of the running box again.
   * @throws ConfigError with every mistake, GanglionError `not-allowed` for what wants a restart: then the old box goes on.
   */
  reload(): Promise<Reloaded> {
    const { box, rooms } = this.#given
    return this.#inTurn(async () => {
      if (configHash(box.folder) === box.hash) return { hash: box.hash, changes: undefined, wires: [] }
      return this.#swap(await loadBox(box.folder, rooms))
    })
  }

  /** As `reload`, with a box that was read before. */
  takeOver(next: Box): Promise<Reloaded> {
    return this.#inTurn(() => this.#swap(next))
  }

  async #swap(next: Box): Promise<Reloaded> {
    const { box, prepare, rewired, store, wires } = this.#given
    const keys = restartKeys(box.file, next.file)
    if (keys.length > 0) throw wantsRestart(keys)
    const changes = boxChanges(box.now, next)
    await prepare(next)
    const planned = wires.plan(next)
    await wires.stop(planned.unwanted)
    try {
      // What was given to the store before is in the database, where new places look for what they remember.
      await store.settled()
      this.#change(next)
    } catch (error) {
      wires.start(wires.plan(box.now).made)
      rewired()
      throw error
    }
    wires.start(planned.made)
    rewired()
    return {
      hash: next.hash,
      changes,
      wires: [...new Set([...planned.unwanted, ...planned.made.map(({ transport }) => transport.name)])],
    }
  }

  /** In one turn. What can go wrong is done before anything is changed. */
  #change(next: Box): void {
    const { actions, box, cases, commanding, control, health, holding, lastReadings, pipeline } = this.#given
    const gone = statesGone(box.now, next)
    const rebound = rebindRules(next, this.#plans)
    this.#plans = rebound.plans
    box.become(next)
    health.forget((subject) => gone.has(subject))
    cases.recatalogue(next.catalogue)
    commanding.replan(next.devices)
    control.replan(next)
    lastReadings.replan(next.devices)
    actions.replan(rebound.plans.slots)
    pipeline.replan(rebound)
    holding.replan(next, rebound)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work)
    this.#last = turn.catch(() => undefined) // whoever asked hears of it
    return turn
  }
}

function wantsRestart(keys: readonly string[]): GanglionError {
  return new GanglionError(
    'not-allowed',
    `box.yaml: ${keys.join(', ')} cannot change while the gateway runs; nothing was taken over`,
    { hint: 'Restart the gateway, or take the change of these keys back and reload.' },
  )
}

/** What holding says of sites and rules in health. */
function statesGone(before: Box, after: Box): ReadonlySet<string> {
  const sites = new Set(after.sites.map(({ id }) => id))
  const rules = new Set(after.rules.map(({ id }) => id))
  return new Set(
    before.sites.flatMap((site) => [
      ...(sites.has(site.id) ? [] : [`site ${site.id}`]),
      ...before.rules
        .filter((rule) => !sites.has(site.id) || !rules.has(rule.id))
        .map((rule) => `rule ${rule.id} at ${site.id}`),
    ]),
  )
}

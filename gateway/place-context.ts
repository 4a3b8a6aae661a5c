import type { Duration, Instant } from '../base/clock.ts'
import type { TimeWindow } from './calendar.ts'
import type { Site } from './config.ts'
import type { Device } from './device.ts'
import type { OpeningHours } from './opening-hours.ts'
import type { RuleContext } from './rule.ts'

export interface PlaceContextParts {
  readonly site: Site
  /** Of the whole box, by id. */
  readonly all: ReadonlyMap<string, Device>
  /** Those that watch the place. */
  readonly here: ReadonlyMap<string, Device>
  readonly silentAfter: Duration
}

/** What a rule at a place may know. A class: there is one for each rule at each place, and functions of its own cost a kilobyte. */
export class PlaceContext implements RuleContext {
  readonly silentAfter: Duration
  readonly #site: Site
  readonly #all: ReadonlyMap<string, Device>
  readonly #here: ReadonlyMap<string, Device>

  constructor({ site, all, here, silentAfter }: PlaceContextParts) {
    this.silentAfter = silentAfter
    this.#site = site
    this.#all = all
    this.#here = here
  }

  isHere(deviceId: string): boolean {
    return this.#here.has(deviceId)
  }

  isAtSite(deviceId: string): boolean {
    return this.#all.get(deviceId)?.siteId === this.#site.id
  }

  partOf(deviceId: string): string {
    return this.#here.get(deviceId)?.part ?? deviceId
  }

  isDrill(deviceId: string): boolean {
    return this.#here.get(deviceId)?.drillOnly ?? false
  }

  hasDrills(): boolean {
    return [...this.#here.values()].some(({ drillOnly }) => drillOnly)
  }

  times(window: TimeWindow): OpeningHours {
    return this.#site.calendar.times(window)
  }

  isOpen(at: Instant): boolean {
    return this.#site.hours.isOpen(at)
  }

  nextOpeningChange(at: Instant): Instant | undefined {
    return this.#site.hours.nextChange(at)
  }
}

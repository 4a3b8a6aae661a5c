import type { Duration, Instant } from '../base/clock.ts'
import { zoneLabels, type Detection, type Track, type ZoneStay } from '../gateway/detection.ts'
import type { Observation } from '../gateway/ports.ts'
import { toReading } from '../gateway/reading.ts'
import type { Zone } from '../gateway/site-file.ts'
import type { Attention } from './motion.ts'
import { follow, isUndecided, noTracking, openTracks, type Tracking } from './tracker.ts'
import { zoneStays } from './zones.ts'

/** As many inferences as a track needs to open: only then is a zone known to be empty. */
const INFERENCES_TO_KNOW = 3
/** Nothing was seen for this long: what stands there now need not be what stood there then. */
const LONGEST_BLINK: Duration = 10_000
/** At two samples a second these come out as 2 s and 5 s at most. */
const STAY_EVERY: Duration = 1400
const LIFE_EVERY: Duration = 4400

export interface WatchSettings {
  readonly deviceId: string
  readonly zones: readonly Zone[]
  readonly model: string
  readonly thresholds: Readonly<Record<string, number>>
}

/** What one camera's sampled pictures say about its zones, and when that is worth telling. */
export class ZoneWatch {
  readonly #settings: WatchSettings
  #tracking: Tracking = noTracking
  #inferences = 0
  #lastAt: Instant | undefined
  #toldAt: Instant | undefined
  #toldStates = ''

  constructor(settings: WatchSettings) {
    this.#settings = settings
  }

  /** What the next picture may decide. */
  get attention(): Attention {
    if (this.#inferences < INFERENCES_TO_KNOW || isUndecided(this.#tracking)) return 'a-decision'
    return this.#stays().some(({ tracks }) => tracks.length > 0) ? 'a-stay' : 'nothing'
  }

  /** Everything that is being followed, for the pixels that must not leave. */
  get tracks(): readonly Track[] {
    return openTracks(this.#tracking)
  }

  /** A picture of that time was looked at, or passed by because nothing moved. */
  take(seen: readonly Detection[] | 'gated', at: Instant): Observation | undefined {
    if (this.#lastAt !== undefined && Math.abs(at - this.#lastAt) > LONGEST_BLINK) this.#startAnew()
    this.#lastAt = at
    this.#tracking = follow(this.#tracking, seen, at)
    if (seen !== 'gated') this.#inferences++
    return this.#news(at)
  }

  #news(at: Instant): Observation | undefined {
    const stays = this.#stays()
    // Before it is known, an empty zone is left out: a restart must not clear a case that stands.
    const said = stays
      .flatMap(whatStands)
      .filter(({ first }) => first || this.#inferences >= INFERENCES_TO_KNOW)
    const states = said
      .map(({ quantity, zone, first }) => `${quantity} ${zone} ${first !== undefined}`)
      .join()
    const every = said.some(({ first }) => first !== undefined) ? STAY_EVERY : LIFE_EVERY
    const isDue = this.#toldAt === undefined || at - this.#toldAt >= every || at < this.#toldAt
    if (states === this.#toldStates && !isDue) return undefined
    this.#toldStates = states
    this.#toldAt = at
    const { deviceId, model, thresholds } = this.#settings
    return {
      deviceId,
      at,
      model,
      thresholds,
      stays,
      readings: said.map(({ quantity, zone, first }) =>
        toReading(quantity, zone, first !== undefined, first?.firstSeen ?? at),
      ),
    }
  }

  #stays(): ZoneStay[] {
    return zoneStays(this.#settings.zones, openTracks(this.#tracking))
  }

  #startAnew(): void {
    this.#tracking = { ...noTracking, nextId: this.#tracking.nextId }
    this.#inferences = 0
    this.#toldStates = ''
  }
}

/** What the tracks of a detector can say of a zone; `first` is the first of those that stand there. */
interface Standing {
  readonly quantity: (typeof trackQuantities)[number]
  readonly zone: string
  readonly first: Track | undefined
}

const trackQuantities = ['vehicleInZone', 'motorVehicleInZone', 'personInZone'] as const

function whatStands({ zone, tracks }: ZoneStay): Standing[] {
  return trackQuantities.map((quantity) => {
    const labels: readonly string[] = zoneLabels[quantity]
    return { quantity, zone, first: tracks.find(({ label }) => labels.includes(label)) }
  })
}

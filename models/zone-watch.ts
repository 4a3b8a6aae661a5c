import type { Duration, Instant } from '../base/clock.ts'
import type { Detection, Track, ZoneStay } from '../gateway/detection.ts'
import type { Observation } from '../gateway/ports.ts'
import { toReading } from '../gateway/reading.ts'
import type { Zone } from '../gateway/site-file.ts'
import { labelGroup } from './label-group.ts'
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
    const known = stays.filter(({ tracks }) => tracks.length > 0 || this.#inferences >= INFERENCES_TO_KNOW)
    const states = known.map(({ zone, tracks }) => `${zone} ${tracks.length > 0}`).join()
    const every = known.some(({ tracks }) => tracks.length > 0) ? STAY_EVERY : LIFE_EVERY
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
      stays: known,
      readings: known.map(({ zone, tracks }) => {
        const since = tracks[0]?.firstSeen
        return toReading('vehicleInZone', zone, since !== undefined, since ?? at)
      }),
    }
  }

  #stays(): ZoneStay[] {
    const vehicles = openTracks(this.#tracking).filter(({ label }) => labelGroup(label) === 'two-wheeler')
    return zoneStays(this.#settings.zones, vehicles)
  }

  #startAnew(): void {
    this.#tracking = { ...noTracking, nextId: this.#tracking.nextId }
    this.#inferences = 0
    this.#toldStates = ''
  }
}

import type { Duration, Instant } from '../base/clock.ts'
import type { Box, Track, ZoneStay } from '../gateway/detection.ts'
import type { Observation } from '../gateway/ports.ts'
import { toReading, type Reading } from '../gateway/reading.ts'
import type { Zone } from '../gateway/site-file.ts'
import { blockGrid, type Background, type View } from './background.ts'
import { isInside } from './zones.ts'

/** What the case names as the model that saw it. */
const MODEL = 'background'
/** Less of a zone than this (percent) is a shadow or a leaf: no picture is marked for it. */
const WORTH_A_MARK = 10
/** A share is told again when it moved by so many percent. */
const WORTH_TELLING = 5
const TELL_EVERY: Duration = 4400

export interface ChangeWatchSettings {
  readonly deviceId: string
  readonly zones: readonly Zone[]
}

interface WatchedZone {
  readonly id: string
  /** Its blocks in the grid of the background. */
  readonly blocks: readonly number[]
  share: number
  since: Instant | undefined
}

/** 持续变化: how much of each zone is not what it is when nothing stands there, and whether the camera sees at all. */
export class ChangeWatch {
  readonly #deviceId: string
  readonly #background: Background
  readonly #zones: readonly WatchedZone[]
  /** 1 for each block of the grid that belongs to a zone. */
  readonly #inZones = new Uint8Array(blockGrid.columns * blockGrid.rows)
  #told: { readonly at: Instant; readonly isBlind: boolean; readonly shares: readonly number[] } | undefined

  constructor({ deviceId, zones }: ChangeWatchSettings, background: Background) {
    this.#deviceId = deviceId
    this.#background = background
    this.#zones = zones.map(({ id, polygon }) => ({
      id,
      blocks: blocksIn(polygon),
      share: 0,
      since: undefined,
    }))
    for (const { blocks } of this.#zones) for (const block of blocks) this.#inZones[block] = 1
  }

  take(gray: Uint8Array, at: Instant): Observation | undefined {
    const view = this.#background.look(gray, at, this.#inZones)
    if (view.is === 'learning') return undefined
    if (view.is === 'seen') for (const zone of this.#zones) judge(zone, view.changed, at)
    const isBlind = view.is === 'blind'
    // Blind, nothing is known of the zones, so nothing is said of them.
    const zones = isBlind ? [] : this.#zones
    if (!this.#isNews(isBlind, at)) return undefined
    this.#told = { at, isBlind, shares: this.#zones.map(({ share }) => share) }
    const readings: Reading[] = [toReading('cameraBlind', '', isBlind, at)]
    for (const { id, share } of zones) readings.push(toReading('zoneChange', id, share, at))
    return {
      deviceId: this.#deviceId,
      at,
      readings,
      stays: view.is === 'seen' ? this.#stays(view, at) : [],
      model: MODEL,
      thresholds: { change: WORTH_A_MARK / 100 },
    }
  }

  #isNews(isBlind: boolean, at: Instant): boolean {
    const told = this.#told
    if (!told || told.isBlind !== isBlind) return true
    if (at - told.at >= TELL_EVERY || at < told.at) return true
    return this.#zones.some(({ share }, i) => Math.abs(share - (told.shares[i] ?? 0)) >= WORTH_TELLING)
  }

  #stays({ changed }: Extract<View, { is: 'seen' }>, at: Instant): ZoneStay[] {
    return this.#zones.map((zone, index) => ({
      zone: zone.id,
      tracks: zone.since === undefined ? [] : [markOf(zone, index + 1, zone.since, changed, at)],
    }))
  }
}

function judge(zone: WatchedZone, changed: Uint8Array, at: Instant): void {
  const count = zone.blocks.reduce((sum, block) => sum + (changed[block] ?? 0), 0)
  zone.share = Math.round((100 * count) / zone.blocks.length)
  zone.since = zone.share < WORTH_A_MARK ? undefined : (zone.since ?? at)
}

/** What changed in a zone, as a track that pictures can be marked with. */
function markOf(
  { blocks, share }: WatchedZone,
  trackId: number,
  firstSeen: Instant,
  changed: Uint8Array,
  at: Instant,
): Track {
  return {
    label: 'change',
    score: share / 100,
    box: spanOf(blocks.filter((block) => changed[block] === 1)),
    trackId,
    firstSeen,
    lastSeen: at,
  }
}

function spanOf(blocks: readonly number[]): Box {
  const { columns, rows } = blockGrid
  const xs = blocks.map((block) => block % columns)
  const ys = blocks.map((block) => Math.floor(block / columns))
  const [left, top] = [Math.min(...xs), Math.min(...ys)]
  return {
    x: left / columns,
    y: top / rows,
    width: (Math.max(...xs) + 1 - left) / columns,
    height: (Math.max(...ys) + 1 - top) / rows,
  }
}

/** Blocks whose middle lies in the polygon; the nearest one for a zone that is smaller than a block. */
function blocksIn(polygon: Zone['polygon']): readonly number[] {
  const { columns, rows } = blockGrid
  const middle = (block: number): readonly [number, number] => [
    ((block % columns) + 0.5) / columns,
    (Math.floor(block / columns) + 0.5) / rows,
  ]
  const all = Array.from({ length: columns * rows }, (_, block) => block)
  const inside = all.filter((block) => isInside(polygon, ...middle(block)))
  if (inside.length > 0) return inside
  const [x = 0, y = 0] = polygon[0] ?? []
  const distance = (block: number): number => Math.hypot(middle(block)[0] - x, middle(block)[1] - y)
  return [all.reduce((nearest, block) => (distance(block) < distance(nearest) ? block : nearest))]
}

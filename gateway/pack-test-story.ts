import { parseDuration } from '../base/amount.ts'
import { instant, later, type Duration, type Instant } from '../base/clock.ts'
import type { Mistake } from '../base/yaml.ts'
import type { Box } from './config.ts'
import { zoneQuantities, type Track, type ZoneStay } from './detection.ts'
import type { Device } from './device.ts'
import type { RecordedMessage } from './history/recorded.ts'
import { TEST_SITE, unknown, type PlacedTest } from './pack-test-box.ts'
import { stepKeys, type Said, type TestStep } from './pack-test.ts'
import { readingOf } from './profile.ts'
import { quantityIds } from './quantity.ts'
import { toReading, type Reading, type Value } from './reading.ts'

/** A step that never ends would fill the memory. */
const MOST_MESSAGES = 200_000

/** A Monday morning in Shanghai. */
const DEFAULT_START = '2026-03-02T08:00:00+08:00'

export const startOf = (start: string | undefined): Instant => instant(Date.parse(start ?? DEFAULT_START))

/** What is said in a test, in the order in which it arrives, as a history would give it back. */
export function storyOf(
  { pack, test, path }: PlacedTest,
  box: Box,
): { readonly story: readonly RecordedMessage[]; readonly mistakes: readonly Mistake[] } {
  const mistakes: Mistake[] = []
  const eyes = new Eyes()
  const start = startOf(test.start)
  const told: Told[] = []
  for (const [index, step] of test.series.entries()) {
    const complain = (below: string, text: string): void => {
      mistakes.push(pack.mistake(`${path}/series/${index}${below}`, text))
    }
    // Other keys than those of a step are what devices say; the schema has checked them.
    const whole = step as TestStep
    const sayings = Object.keys(whole)
      .filter((key) => !stepKeys.has(key))
      .flatMap((deviceId) => sayingOf(whole, deviceId, box, complain))
    if (sayings.length === 0 && mistakes.length === 0) complain('', 'wanted a device that says something')
    for (const camera of Object.keys(whole.tracks ?? {})) {
      if (!Object.hasOwn(whole, camera)) {
        complain(`/tracks/${camera}`, `"${camera}" says nothing here: its tracks would go unseen`)
      }
    }
    const times = timesOf(whole, complain)
    if (told.length + times.length * sayings.length > MOST_MESSAGES) {
      complain('', `more than ${MOST_MESSAGES} messages`)
      break
    }
    for (const at of times) for (const saying of sayings) told.push({ at, saying })
  }
  // What is said at the same time is said in the order of the file.
  told.sort((a, b) => a.at - b.at)
  return { story: told.map(({ at, saying }) => saying(later(start, at), eyes)), mistakes }
}

interface Told {
  readonly at: Duration
  readonly saying: Saying
}

type Saying = (at: Instant, eyes: Eyes) => RecordedMessage

type Complain = (below: string, text: string) => void

function timesOf({ at, every, until }: TestStep, complain: Complain): readonly Duration[] {
  const from = parseDuration(at)
  if (every === undefined && until === undefined) return [from]
  if (every === undefined || until === undefined) {
    complain('', '"every" and "until" belong together')
    return []
  }
  const [pause, end] = [parseDuration(every), parseDuration(until)]
  if (pause === 0 || end < from || (end - from) / pause > MOST_MESSAGES) {
    complain('', `wanted some repetitions from "at" to "until"; got every ${every} from ${at} until ${until}`)
    return []
  }
  return Array.from({ length: Math.floor((end - from) / pause) + 1 }, (_, n) => from + n * pause)
}

function sayingOf(step: TestStep, deviceId: string, box: Box, complain: Complain): readonly Saying[] {
  const said = step[deviceId] as Said // checked by the schema of a step
  const device = box.devices.get(deviceId)
  if (!device) {
    complain(`/${deviceId}`, unknown('device', deviceId, [...box.devices.keys()]))
    return []
  }
  const message = { is: 'message', siteId: TEST_SITE, deviceId } as const
  if (said === 'heard') return [(at) => ({ ...message, at, readings: [] })]
  const values = Object.entries(said).flatMap(([key, value]) => {
    const make = makerOf(device, key, value)
    if (typeof make === 'function') return [make]
    complain(`/${deviceId}/${key.replaceAll('/', '~1')}`, make.text)
    return []
  })
  if (device.zones.length === 0) {
    if (step.tracks?.[deviceId]) complain(`/tracks/${deviceId}`, `"${deviceId}" has no zones`)
    return [(at) => ({ ...message, at, readings: values.map((make) => make(at)) })]
  }
  const tracks = step.tracks?.[deviceId] ?? {}
  const zones = device.zones.map(({ id }) => id)
  const saidZones = Object.keys(said).map((key) => key.split('/')[0])
  for (const zone of Object.keys(tracks)) {
    if (!zones.includes(zone)) complain(`/tracks/${deviceId}/${zone}`, unknown('zone', zone, zones))
    else if (!saidZones.includes(zone)) {
      complain(
        `/tracks/${deviceId}/${zone}`,
        `the camera says nothing of "${zone}" here: its tracks would go unseen`,
      )
    }
  }
  return [
    (at, eyes) => {
      const readings = values.map((make) => make(at))
      const stays = zones.map((zone) => eyes.stay(deviceId, zone, tracks[zone] ?? [], at))
      eyes.forget(deviceId, Object.values(tracks).flat())
      const observation = { deviceId, at, readings, stays, model: TEST_SITE, thresholds: {} }
      return { ...message, at, readings, observation }
    },
  ]
}

type Make = (at: Instant) => Reading

type Given = Value | { readonly value: Value; readonly quality: 'bad' | 'at-limit' }

/** A value as the device's profile would give it, or what is wrong with its name. */
function makerOf(device: Device, key: string, given: Given): Make | { readonly text: string } {
  const [part, name] = key.includes('/') ? (key.split('/') as [string, string]) : ['', key] // the schema knows one /
  const { value, quality } = typeof given === 'object' ? given : { value: given, quality: undefined }
  const judged = (reading: Reading): Reading => (quality === 'bad' ? { ...reading, quality } : reading)
  const point = device.profile.points.find((one) => one.quantity === name && one.part === part)
  if (point) {
    return (at) => judged(readingOf(point, { value, atLimit: quality === 'at-limit' }, at))
  }
  const ofZone = zoneQuantities.find((quantity) => quantity === name)
  if (ofZone !== undefined && device.zones.some(({ id }) => id === part)) {
    return (at) => judged(toReading(ofZone, part, value, at, quality === 'at-limit'))
  }
  if (!quantityIds.some((id) => id === name)) return { text: unknown('quantity', name, quantityIds) }
  return { text: unknown(`reading of the profile "${device.profile.id}"`, key, namesOf(device)) }
}

function namesOf({ profile, zones }: Device): readonly string[] {
  const ofProfile = profile.points.map(({ part, quantity }) =>
    part === '' ? quantity : `${part}/${quantity}`,
  )
  return [...new Set(ofProfile), ...zones.flatMap(({ id }) => zoneQuantities.map((name) => `${id}/${name}`))]
}

/** What the trackers of a test's cameras remember: the same name is the same thing until it is out of the picture. */
class Eyes {
  readonly #first = new Map<string, { readonly trackId: number; readonly at: Instant }>()
  #tracks = 0

  stay(cameraId: string, zone: string, names: readonly string[], at: Instant): ZoneStay {
    const tracks = numbered(names).map((name): Track => {
      const key = `${cameraId} ${name}`
      const known = this.#first.get(key) ?? { trackId: ++this.#tracks, at }
      this.#first.set(key, known)
      const label = name.split('#')[0] ?? name
      const box = spotOf(known.trackId)
      return { label, score: 0.9, box, trackId: known.trackId, firstSeen: known.at, lastSeen: at }
    })
    return { zone, tracks }
  }

  /** What is in none of the zones any more comes back as somebody else. */
  forget(cameraId: string, names: readonly string[]): void {
    const here = new Set(numbered(names).map((name) => `${cameraId} ${name}`))
    for (const key of this.#first.keys()) {
      if (key.startsWith(`${cameraId} `) && !here.has(key)) this.#first.delete(key)
    }
  }
}

/** Each thing stands in a place of its own, 64 of them side by side. */
function spotOf(trackId: number): Track['box'] {
  const [column, row] = [trackId % 8, Math.floor(trackId / 8) % 8]
  return { x: 0.125 * column, y: 0.125 * row, width: 0.1, height: 0.1 }
}

/** `[bicycle, bicycle]` are `bicycle#1` and `bicycle#2`. */
function numbered(names: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  return names.map((name) => {
    if (name.includes('#')) return name
    const number = (counts.get(name) ?? 0) + 1
    counts.set(name, number)
    return `${name}#${number}`
  })
}

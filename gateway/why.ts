import { isoTime } from '../base/clock.ts'
import type { Why, WhyCondition, WhyDetection, WhyReading } from './case.ts'
import type { Track, ZoneStay } from './detection.ts'
import type { LoadedRule } from './pack.ts'
import { quantityOf } from './quantity.ts'
import type { Value } from './reading.ts'
import type { Compared, RaisedBy, Raise } from './rule.ts'

/** What a camera last saw in the zones that a rule judges. */
export interface Sight {
  readonly deviceId: string
  readonly stays: readonly ZoneStay[]
  readonly model: string
  readonly thresholds: Readonly<Record<string, number>>
}

/** Why the case was raised: the rule's sentence with its words filled in, and what it saw. */
export function toWhy(rule: LoadedRule, raise: Raise, sight: Sight | undefined): Why {
  const { zh, en } = rule.text.why
  return {
    rule: rule.id,
    ruleVersion: rule.version,
    ruleHash: rule.hash,
    text: { zh: fill(zh, raise.words), en: fill(en, raise.words) },
    readings: raise.readings.slice(-50).map(toWhyReading),
    ...(raise.conditions && { conditions: raise.conditions.slice(0, 20).map(toWhyCondition) }),
    detections: sight ? toWhyDetections(sight).slice(0, 50) : [],
    ...(raise.reminders !== undefined && { reminders: raise.reminders }),
  }
}

/** What the camera saw that moved the rule: the last one, where several did. */
export function sightFor({ readings }: Raise, sights: ReadonlyMap<string, Sight>): Sight | undefined {
  const deviceId = readings.findLast((by) => sights.has(by.deviceId))?.deviceId
  const sight = deviceId === undefined ? undefined : sights.get(deviceId)
  if (!sight) return undefined
  const zones = new Set(readings.filter((by) => by.deviceId === deviceId).map(({ reading }) => reading.part))
  const stays = sight.stays.filter(({ zone }) => zones.has(zone))
  return stays.length === 0 ? undefined : { ...sight, stays }
}

function fill(text: string, words: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole).slice(0, 200)
}

function toWhyReading({ reading, deviceId, threshold, margin }: RaisedBy): WhyReading {
  return {
    deviceId,
    quantity: reading.quantity,
    part: reading.part,
    value: reading.value,
    unit: quantityOf(reading.quantity).unit,
    quality: reading.quality,
    at: isoTime(reading.at),
    ...(threshold === undefined ? {} : { threshold }),
    ...(margin === undefined ? {} : { margin }),
  }
}

function toWhyCondition({ text, value, threshold, margin, unit, met }: Compared): WhyCondition {
  return {
    text: text.slice(0, 200),
    ...(value !== undefined && { value: short(value) }),
    ...(threshold !== undefined && { threshold: short(threshold) }),
    ...(margin !== undefined && { margin }),
    unit,
    met,
  }
}

function toWhyDetections(sight: Sight): readonly WhyDetection[] {
  return sight.stays.flatMap(({ zone, tracks }) => tracks.map((track) => toWhyDetection(sight, zone, track)))
}

/** What the contract carries of a text. */
const short = (value: Value): Value => (typeof value === 'string' ? value.slice(0, 64) : value)

function toWhyDetection({ deviceId, model, thresholds }: Sight, zone: string, track: Track): WhyDetection {
  const threshold = thresholds[track.label] ?? 0
  return {
    deviceId,
    zone,
    label: track.label,
    score: Number(track.score.toFixed(3)),
    threshold,
    margin: Number((track.score - threshold).toFixed(3)),
    trackId: track.trackId,
    box: track.box,
    firstSeen: isoTime(track.firstSeen),
    lastSeen: isoTime(track.lastSeen),
    model,
  }
}

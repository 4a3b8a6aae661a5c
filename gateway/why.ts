import { isoTime } from '../base/clock.ts'
import type { Why, WhyDetection, WhyReading } from './case.ts'
import type { Track } from './detection.ts'
import type { LoadedRule } from './pack.ts'
import { quantityOf } from './quantity.ts'
import type { RaisedBy, Raise } from './rule.ts'

/** What a camera saw in the zone of the case when its rule spoke. */
export interface Sight {
  readonly deviceId: string
  readonly zone: string
  readonly tracks: readonly Track[]
  readonly model: string
  readonly thresholds: Readonly<Record<string, number>>
}

/** Why the case was raised: the rule's sentence with its words filled in, and what it saw. */
export function toWhy(rule: LoadedRule, raise: Raise, sight: Sight | undefined): Why {
  const { zh, en } = rule.text.why
  return {
    rule: rule.id,
    ruleVersion: rule.version,
    text: { zh: fill(zh, raise.words), en: fill(en, raise.words) },
    readings: raise.readings.slice(-50).map(toWhyReading),
    detections: sight ? sight.tracks.slice(0, 50).map((track) => toWhyDetection(sight, track)) : [],
  }
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

function toWhyDetection({ deviceId, zone, model, thresholds }: Sight, track: Track): WhyDetection {
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

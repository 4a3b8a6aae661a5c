import { instant, isoTime, type Instant } from '../base/clock.ts'
import { caseKey, CONTRACT, type Case } from '../gateway/case.ts'
import type { Delivery } from '../gateway/ports.ts'

/** A whole and valid smoke case; tests change what they speak of. */
export function exampleCase(changed: Partial<Case> = {}): Case {
  const since = '2026-03-02T00:00:00.000Z'
  const place = changed.place ?? 'garden-shed/smoke-1'
  const key = caseKey({
    class: 'smoke',
    place,
    since: instant(Date.parse(since)),
    drill: changed.drill ?? false,
  })
  return {
    contract: CONTRACT,
    key,
    revision: 1,
    boxId: 'box-1',
    class: 'smoke',
    classCode: 'X-SMOKE',
    classLocal: true,
    className: { zh: '烟雾报警', en: 'Smoke' },
    severity: 'life-safety',
    source: 'sensor',
    siteId: 'garden-shed',
    siteName: { zh: '花园里电动车棚', en: 'Garden Lane e-bike shed' },
    place,
    address: '花园里 3 号楼东侧',
    gridCode: '11010100100101',
    position: { lng: 116.4, lat: 39.9, crs: 'WGS84' },
    since,
    raisedAt: since,
    clearedAt: null,
    count: 1,
    why: {
      rule: 'smoke',
      ruleVersion: 1,
      text: { zh: '烟感报警', en: 'The smoke alarm sounds' },
      readings: [
        {
          deviceId: 'smoke-1',
          quantity: 'smoke',
          part: '',
          value: true,
          unit: '',
          quality: 'good',
          at: since,
        },
      ],
      detections: [],
    },
    proof: [],
    proofMissing: null,
    drill: false,
    use: 'lead',
    timeUnsure: false,
    stage: 'raised',
    stageVersion: 0,
    platformStage: null,
    platformCase: null,
    complete: false,
    ...changed,
  }
}

export function deliveryOf(made: Case, at: Instant = instant(Date.parse(made.raisedAt))): Delivery {
  return { key: made.key, revision: made.revision, body: JSON.stringify(made), at }
}

/** First revisions at so many places. */
export const deliveries = (count: number, from = 0): readonly Delivery[] =>
  Array.from({ length: count }, (_, index) =>
    deliveryOf(exampleCase({ place: `garden-shed/smoke-${from + index}` })),
  )

/** The same case, its breach ended. */
export const clearedCase = (raised: Case, at: Instant): Case => ({
  ...raised,
  revision: raised.revision + 1,
  clearedAt: isoTime(at),
})

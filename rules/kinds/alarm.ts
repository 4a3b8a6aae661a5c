import { Type } from 'typebox'
import { later, type Instant } from '../../base/clock.ts'
import { quantityIds, quantityOf, type QuantityId } from '../../gateway/quantity.ts'
import type { Reading } from '../../gateway/reading.ts'
import type { Raise, RaisedBy, RuleKind } from '../../gateway/rule.ts'
import { nothingSeen, perDevice, type DeviceRule, type Memos } from '../per-device.ts'

const AlarmSettings = Type.Object(
  {
    /** What alarms by being true: smoke, heat, water. */
    quantity: Type.Enum(quantityIds),
    /** The test button, where the device has one. */
    test: Type.Optional(Type.Enum(quantityIds)),
  },
  { additionalProperties: false },
)

/** What one detector last said: times are those from which it was so; absent means it is not. */
interface AlarmMemo {
  readonly part: string
  readonly alarmSince?: Instant
  readonly testSince?: Instant
  /** Alarm and test came together: a drill no longer than until then. */
  readonly drillUntil?: Instant
  readonly isFire: boolean
}

/** A pressed button holds the alarm for seconds; whoever sets a fire while it is pressed waits no longer than this. */
const LONGEST_DRILL_MS = 60_000

/**
 * 报警: raises at once while a boolean is true. With the test button and no alarm, or with both together, it is a
 * drill (演练), until the button is let go or a minute has passed: an alarm that still stands then is a fire. An
 * alarm that stood before the button was pressed stays a fire.
 */
const alarm: RuleKind<typeof AlarmSettings, Memos<AlarmMemo>> = {
  settings: AlarmSettings,
  check({ quantity, test }) {
    const names = Object.entries({ quantity, ...(test !== undefined && { test }) })
    return names.flatMap(([key, id]) =>
      quantityOf(id).kind === 'boolean' ? [] : [{ path: `/${key}`, text: `"${id}" is not true or false` }],
    )
  },
  wants: ({ quantity, test }) => (test === undefined ? [quantity] : [quantity, test]),
  words: [],
  start: nothingSeen,
  ready: ({ quantity, test }, context) => perDevice(alarmOf(quantity, test), context),
}
export default alarm

function alarmOf(quantity: QuantityId, test: QuantityId | undefined): DeviceRule<AlarmMemo> {
  return {
    step(memo, said, now, deviceId) {
      const next = moved(memo, said?.readings ?? [], now)
      if (next === memo) return { memo }
      const before = memo ? standing(memo) : 'none'
      const after = next ? standing(next) : 'none'
      const began = next && beganAt(next)
      if (before === after) return { memo: next }
      return {
        memo: next,
        ...(next && began !== undefined && { raise: raiseOf(next, began, deviceId) }),
        ...(before !== 'none' && { clearedAt: said?.readings.at(-1)?.at ?? now }),
      }
    },
    standing,
    due: ({ alarmSince, drillUntil, isFire }) =>
      alarmSince === undefined || isFire ? undefined : drillUntil,
  }

  function moved(
    memo: AlarmMemo | undefined,
    readings: readonly Reading[],
    now: Instant,
  ): AlarmMemo | undefined {
    let alarmSince = memo?.alarmSince
    let testSince = memo?.testSince
    let part = memo?.part ?? ''
    for (const reading of readings) {
      if (reading.quality === 'bad') continue
      part = reading.part
      if (reading.quantity === quantity) alarmSince = sinceWhen(alarmSince, reading)
      else if (reading.quantity === test) testSince = sinceWhen(testSince, reading)
    }
    if (alarmSince === undefined && testSince === undefined) return undefined
    // The clock may have been set back: nobody waits longer than a minute from now.
    const stated = memo?.drillUntil ?? later(now, LONGEST_DRILL_MS)
    const limit = stated - now > LONGEST_DRILL_MS ? later(now, LONGEST_DRILL_MS) : stated
    const isFire =
      alarmSince !== undefined && (memo?.isFire === true || testSince === undefined || now >= limit)
    const isTogether = alarmSince !== undefined && testSince !== undefined && !isFire
    // Kept while the button is pressed: smoke that comes and goes does not begin another minute.
    const keepsLimit = isTogether || (testSince !== undefined && memo?.drillUntil !== undefined)
    const next: AlarmMemo = {
      part,
      ...(alarmSince !== undefined && { alarmSince }),
      ...(testSince !== undefined && { testSince }),
      ...(keepsLimit && { drillUntil: limit }),
      isFire,
    }
    return memo && isSame(memo, next) ? memo : next
  }

  function raiseOf(
    { alarmSince, testSince, part, isFire }: AlarmMemo,
    since: Instant,
    deviceId: string,
  ): Raise {
    const by = (of: QuantityId | undefined, at: Instant | undefined): RaisedBy[] =>
      of === undefined || at === undefined
        ? []
        : [{ deviceId, reading: { quantity: of, part, value: true, quality: 'good', at } }]
    return {
      since,
      drill: !isFire,
      readings: [...by(quantity, alarmSince), ...by(test, testSince)],
      words: {},
    }
  }
}

const beganAt = ({ isFire, alarmSince, testSince }: AlarmMemo): Instant | undefined =>
  isFire ? alarmSince : testSince

const standing = (memo: AlarmMemo): 'real' | 'drill' | 'none' =>
  memo.isFire ? 'real' : beganAt(memo) === undefined ? 'none' : 'drill'

/** A "no" from before the "yes" is history that came late: it ends nothing. */
function sinceWhen(since: Instant | undefined, { value, at }: Reading): Instant | undefined {
  if (value === true) return since ?? at
  return since !== undefined && at < since ? since : undefined
}

const isSame = (a: AlarmMemo, b: AlarmMemo): boolean =>
  a.alarmSince === b.alarmSince &&
  a.testSince === b.testSince &&
  a.drillUntil === b.drillUntil &&
  a.isFire === b.isFire &&
  a.part === b.part

import { Type } from 'typebox'
import { later, type Instant } from '../../base/clock.ts'
import { quantityIds, quantityOf, type QuantityId } from '../../gateway/quantity.ts'
import type { Reading } from '../../gateway/reading.ts'
import type { Raise, RaisedBy, RuleKind } from '../../gateway/rule.ts'
import { nearestOf } from '../nearness.ts'
import { nothingSeen, perDevice, type DeviceRule, type Memos, type Said } from '../per-device.ts'
import { afterReading, endOf, isSameYes, stillSo, type Yes } from '../yes.ts'

const AlarmSettings = Type.Object(
  {
    /** What alarms by being true: smoke, heat, water. */
    quantity: Type.Enum(quantityIds),
    /** The test button, where the device has one. */
    test: Type.Optional(Type.Enum(quantityIds)),
  },
  { additionalProperties: false },
)

/** What one detector last said; absent means it is not so. */
interface AlarmMemo {
  readonly part: string
  readonly alarm?: Yes
  readonly test?: Yes
  /** Alarm and test came together: a drill no longer than until then. */
  readonly drillUntil?: Instant
  readonly isFire: boolean
}

/** A pressed button holds the alarm for seconds; whoever sets a fire while it is pressed waits no longer than this. */
const LONGEST_DRILL_MS = 60_000

/**
 * 报警: raises at once while a boolean is true. With the test button and no alarm, or with both together, it is a
 * drill (演练), until the button is let go or a minute has passed: an alarm that still stands then is a fire. An
 * alarm that stood before the button was pressed stays a fire. What the device never takes back (`lasts` in its
 * profile) ends by itself.
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
  needs: ({ quantity }) => [quantity],
  words: [],
  start: nothingSeen,
  ready: ({ quantity, test }, context) => perDevice(alarmOf(quantity, test), context),
  nearness:
    ({ quantity }) =>
    (readings) =>
      nearestOf<boolean | undefined>(
        readings,
        undefined,
        (known, { quantity: said, value, quality }) =>
          said === quantity && quality !== 'bad' ? value === true : known,
        (value) => [{ text: quantity, ...(value !== undefined && { value }), unit: '', met: value === true }],
      ),
}
export default alarm

function alarmOf(quantity: QuantityId, button: QuantityId | undefined): DeviceRule<AlarmMemo> {
  return {
    step(memo, said, now, deviceId) {
      const next = moved(memo, said?.readings ?? [], now)
      if (next === memo) return { memo }
      const before = memo ? standing(memo) : 'none'
      const after = next ? standing(next) : 'none'
      const began = next && judged(next)?.since
      const isAnew = memo !== undefined && before === after && judged(memo)?.since !== began
      if (before === after && !isAnew) return { memo: next }
      return {
        memo: next,
        ...(next && began !== undefined && { raise: raiseOf(next, began, deviceId) }),
        ...(memo && before !== 'none' && { clearedAt: clearedAt(memo, said, now) }),
        ...(isAnew && { isAnew }),
      }
    },
    standing,
    due({ alarm, test, drillUntil, isFire }) {
      const fireAt = alarm === undefined || isFire ? undefined : drillUntil
      const times = [alarm?.ends?.at, test?.ends?.at, fireAt].filter((at) => at !== undefined)
      return times.length === 0 ? undefined : times.reduce((a, b) => (b < a ? b : a))
    },
  }

  function moved(
    memo: AlarmMemo | undefined,
    readings: readonly Reading[],
    now: Instant,
  ): AlarmMemo | undefined {
    let alarm = stillSo(memo?.alarm, now)
    let test = stillSo(memo?.test, now)
    let part = memo?.part ?? ''
    const wasFire = memo?.isFire === true && alarm !== undefined
    for (const reading of readings) {
      if (reading.quality === 'bad') continue
      part = reading.part
      if (reading.quantity === quantity) alarm = afterReading(alarm, reading, now)
      else if (reading.quantity === button) test = afterReading(test, reading, now)
    }
    if (!alarm && !test) return undefined
    // The clock may have been set back: nobody waits longer than a minute from now.
    const stated = memo?.drillUntil ?? later(now, LONGEST_DRILL_MS)
    const limit = stated - now > LONGEST_DRILL_MS ? later(now, LONGEST_DRILL_MS) : stated
    const isFire = alarm !== undefined && (wasFire || test === undefined || now >= limit)
    const isTogether = alarm !== undefined && test !== undefined && !isFire
    // Kept while the button is pressed: smoke that comes and goes does not begin another minute.
    const keepsLimit = isTogether || (test !== undefined && memo?.drillUntil !== undefined)
    const next: AlarmMemo = {
      part,
      ...(alarm && { alarm }),
      ...(test && { test }),
      ...(keepsLimit && { drillUntil: limit }),
      isFire,
    }
    return memo && isSame(memo, next) ? memo : next
  }

  function raiseOf({ alarm, test, part, isFire }: AlarmMemo, since: Instant, deviceId: string): Raise {
    const by = (of: QuantityId | undefined, yes: Yes | undefined): RaisedBy[] =>
      of === undefined || yes === undefined
        ? []
        : [{ deviceId, reading: { quantity: of, part, value: true, quality: 'good', at: yes.since } }]
    return {
      since,
      drill: !isFire,
      readings: [...by(quantity, alarm), ...by(button, test)],
      words: {},
    }
  }
}

/** What makes it a fire, or a drill. */
const judged = ({ isFire, alarm, test }: AlarmMemo): Yes | undefined => (isFire ? alarm : test)

const standing = (memo: AlarmMemo): 'real' | 'drill' | 'none' =>
  memo.isFire ? 'real' : judged(memo) === undefined ? 'none' : 'drill'

const clearedAt = (memo: AlarmMemo, said: Said | undefined, now: Instant): Instant =>
  endOf(judged(memo), now) ?? said?.readings.at(-1)?.at ?? now

const isSame = (a: AlarmMemo, b: AlarmMemo): boolean =>
  isSameYes(a.alarm, b.alarm) &&
  isSameYes(a.test, b.test) &&
  a.drillUntil === b.drillUntil &&
  a.isFire === b.isFire &&
  a.part === b.part

import type { Reading } from '../gateway/reading.ts'
import type { Compared } from '../gateway/rule.ts'
import { soundCondition, type Condition } from './condition.ts'
import { emptyFrame, nothingHeard, put, withReadings, type Newest } from './newest.ts'
import { nearestOf } from './nearness.ts'
import type { PartySettings } from './party.ts'
import { Rise, type Lows } from './rise.ts'
import type { Limits } from './when.ts'

/** How near readings of one place came to what each party asks for, in the order of the parties. */
export const partyNearness =
  (parties: readonly PartySettings[], limits: Limits | undefined) =>
  (readings: readonly Reading[]): readonly Compared[] =>
    parties.flatMap((party) => {
      const own = readings.filter(({ part }) => part === '' || (party.parts?.includes(part) ?? true))
      return party.rises
        ? riseNearness(new Rise(party.rises), own)
        : conditionNearness(soundCondition(party.when ?? '', limits), own)
    })

function conditionNearness(condition: Condition, readings: readonly Reading[]): readonly Compared[] {
  return nearestOf<Newest>(
    readings,
    nothingHeard,
    (heard, reading) => withReadings(heard, '', [{ ...reading, part: '' }], condition.wants, reading.at),
    (heard) => {
      const frame = emptyFrame()
      for (const [index, quantity] of condition.wants.entries()) {
        const said = heard['']?.[quantity]
        if (said) put(frame, index, said)
      }
      return condition.explain([frame])
    },
  )
}

function riseNearness(rise: Rise, readings: readonly Reading[]): readonly Compared[] {
  return nearestOf<{ readonly lows: Lows; readonly rise: number }>(
    readings.filter(({ quantity, quality }) => quantity === rise.quantity && quality !== 'bad'),
    { lows: [], rise: 0 },
    ({ lows }, { value, at }) =>
      typeof value === 'number' ? rise.after(lows, value, at) : { lows, rise: 0 },
    ({ rise: grown }) => [rise.compared(grown)],
  )
}

import { Type } from 'typebox'
import { msOfUnit, parseAmount, type Amount } from '../base/amount.ts'
import { messageOf } from '../base/errors.ts'
import { quantityOf, type QuantityId } from '../gateway/quantity.ts'

/** A limit as people write it: the number and the unit of its quantity. */
export const Limit = Type.String({
  minLength: 1,
  maxLength: 40,
  description: 'a number with the unit of the quantity: 70 °C, 1000 W, 500 mA',
})

/** What is wrong with a limit of this quantity, if anything: units are compared, never converted. */
export function limitComplaint(text: string, quantity: QuantityId): string | undefined {
  const { unit } = quantityOf(quantity)
  let amount
  try {
    amount = inTableUnit(parseAmount(text))
  } catch (error) {
    return messageOf(error)
  }
  if (amount.unit !== unit) {
    return `${quantity} is measured in ${unit === '' ? 'plain numbers' : unit}; got "${text}"`
  }
  return rangeComplaint(amount.value, quantity, text)
}

/** A number that its quantity can never reach. */
export function rangeComplaint(value: number, quantity: QuantityId, text: string): string | undefined {
  const { unit, min = -Infinity, max = Infinity } = quantityOf(quantity)
  if (value >= min && value <= max) return undefined
  return `${quantity} lies between ${min} and ${max}${unit === '' ? '' : ` ${unit}`}; got "${text}"`
}

/** A limit that `limitComplaint` found right, in the unit of the table. */
export const limitValue = (text: string): number => inTableUnit(parseAmount(text)).value

/** Time is the one thing that people write in many units; `℃` is one character on a Chinese keyboard. */
export function inTableUnit({ value, unit }: Amount): Amount {
  if (unit === '℃') return { value, unit: '°C' }
  const ms = msOfUnit(unit)
  return ms === undefined ? { value, unit } : { value: (value * ms) / 1000, unit: 's' }
}

/** Differences of decimals without their binary tail: 70.3 − 70 is 0.3. */
export const difference = (a: number, b: number): number => Number((a - b).toFixed(6))

import { Type } from 'typebox'
import { parseAmount } from '../base/amount.ts'
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
  const { unit, min, max } = quantityOf(quantity)
  let amount
  try {
    amount = parseAmount(text)
  } catch (error) {
    return messageOf(error)
  }
  if (amount.unit !== unit) {
    return `${quantity} is measured in ${unit === '' ? 'plain numbers' : unit}; got "${text}"`
  }
  if (amount.value < (min ?? -Infinity) || amount.value > (max ?? Infinity)) {
    return `${quantity} lies between ${min ?? '-∞'} and ${max ?? '∞'} ${unit}; got "${text}"`.replace(
      ' ;',
      ';',
    )
  }
  return undefined
}

/** Differences of decimals without their binary tail: 70.3 − 70 is 0.3. */
export const difference = (a: number, b: number): number => Number((a - b).toFixed(6))

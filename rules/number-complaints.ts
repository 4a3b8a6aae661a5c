import { parseDuration } from '../base/amount.ts'
import { quantityOf, type QuantityId } from '../gateway/quantity.ts'

interface OverNumbers {
  readonly quantity: QuantityId
  /** Absent for kinds that look at one reading at a time. */
  readonly over?: string
}

/** What a kind over the numbers of one quantity complains of before it looks at anything else. */
export function numberComplaints({ quantity, over }: OverNumbers): { path: string; text: string }[] {
  if (quantityOf(quantity).kind !== 'number') {
    return [{ path: '/quantity', text: `"${quantity}" is not a number` }]
  }
  if (over === undefined || parseDuration(over) > 0) return []
  return [{ path: '/over', text: 'wanted a span of time; got none' }]
}

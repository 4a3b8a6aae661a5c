import type { Point } from './profile-file.ts'

/** A raw value after the point's conversions, not yet judged by its quantity. */
export interface Converted {
  readonly value: unknown
  readonly atLimit: boolean
}

/** From a raw value to a point's: made once, called for every message. Undefined where the device says nothing of it. */
export type Convert = (raw: unknown) => Converted | undefined

type Settings = Pick<
  Point,
  'scale' | 'offset' | 'invert' | 'absent' | 'limitAt' | 'bit' | 'values' | 'others'
>

export function converter(point: Settings): Convert {
  const { scale, offset, invert, absent, limitAt, bit, values, others } = point
  const decimals = decimalsOf(scale) + decimalsOf(offset)
  const isScaled = scale !== undefined || offset !== undefined
  return (raw) => {
    if (raw === undefined || raw === null) return undefined
    if (absent !== undefined && (typeof raw === 'number' || typeof raw === 'string') && absent.includes(raw))
      return undefined
    if (values) {
      const isPlain = typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean'
      if (isPlain && Object.hasOwn(values, String(raw))) return { value: values[String(raw)], atLimit: false }
      return others === 'left-out' ? undefined : { value: raw, atLimit: false }
    }
    const said = bit === undefined ? raw : bitOf(raw, bit)
    if (typeof said === 'boolean') return { value: invert === true ? !said : said, atLimit: false }
    if (typeof said !== 'number') return { value: said, atLimit: false }
    const value = isScaled
      ? round(said * (scale ?? 1) + (offset ?? 0), decimals + (Number.isInteger(said) ? 0 : decimalsOf(said)))
      : said
    return { value, atLimit: limitAt !== undefined && said >= limitAt }
  }
}

/** What is no whole number stays as it is, and so becomes a bad reading. */
function bitOf(raw: unknown, bit: number): unknown {
  if (!Number.isSafeInteger(raw) || (raw as number) < 0) return raw // a number, by the first test
  return Math.floor((raw as number) / 2 ** bit) % 2 === 1
}

/** Beyond this a double has no decimals left that mean anything here. */
const MOST_DECIMALS = 9

/** 455 × 0.001 is 0.455 and not 0.45500000000000002. */
const round = (value: number, decimals: number): number =>
  Number(value.toFixed(Math.min(decimals, MOST_DECIMALS)))

/** 0.001 has three, 1e-7 has seven. */
function decimalsOf(factor: number | undefined): number {
  if (factor === undefined) return 0
  const [digits = '', exponent = '0'] = String(factor).split('e')
  return Math.max(0, (digits.split('.')[1]?.length ?? 0) - Number(exponent))
}

import type { WhyCondition } from '../gateway/case.ts'

/** `portTemperature >= 70 °C: 64 °C, 6 °C short` */
export function comparedLine({ text, value, margin, unit, met }: WhyCondition): string {
  const said = value === undefined ? 'unknown' : `${String(value)} ${unit}`.trim()
  const by =
    margin === undefined ? '' : `, ${Math.abs(margin)} ${unit}`.trimEnd() + (met ? ' beyond' : ' short')
  return `${met ? '✓' : '✗'} ${text}: ${said}${by}`
}

import type { Backtest } from './backtest.ts'
import type { Difference, ReplayedCase } from './case-difference.ts'

/** More than a screen of them nobody reads; `--json` has them all. */
const MOST_DIFFERENCES = 200

const signs = { added: '+', removed: '-', moved: '~' } as const

/** A backtest as people read it. */
export function backtestLines(result: Backtest): readonly string[] {
  const { pack, insteadOf, from, to, messages, readings, firstAt, changes, rules } = result
  const place = insteadOf === null ? 'on top of the packs of the box' : `in place of ${insteadOf}`
  const width = Math.max(4, ...rules.map(({ rule }) => rule.length))
  const shown = result.differences.slice(0, MOST_DIFFERENCES)
  const count = (is: Difference['is']): number => result.differences.filter((one) => one.is === is).length
  return [
    `${pack} ${place}, ${from} to ${to}`,
    `${messages.toLocaleString('en')} messages, ${readings.toLocaleString('en')} readings${
      firstAt === null
        ? ': nothing is stored of that time'
        : firstAt > from
          ? `, stored from ${firstAt} on`
          : ''
    }`,
    '',
    ...Object.entries(changes).map(([rule, lines]) => `  ${rule}: ${lines.join('; ')}`),
    ...(Object.keys(changes).length === 0 ? ['  no rule judges differently'] : []),
    '',
    `  ${'rule'.padEnd(width)}  active   tried`,
    ...rules.map(
      ({ rule, before, after, held }) =>
        `  ${rule.padEnd(width)}  ${String(before).padStart(6)}  ${String(after).padStart(6)}${Object.entries(
          held,
        )
          .map(([by, times]) => `  held ${times}× by ${by}`)
          .join('')}`,
    ),
    '',
    `${count('added')} added, ${count('removed')} removed, ${count('moved')} moved`,
    ...shown.flatMap((one) => [`${signs[one.is]} ${caseLine(one)}`, `    ${one.reason}`]),
    ...(shown.length < result.differences.length
      ? [`and ${result.differences.length - shown.length} more; --json has all`]
      : []),
  ]
}

function caseLine(difference: Difference): string {
  const { case: now } = difference
  const line = `${spanText(now)}  ${now.rule} (${now.class})  ${now.place}  ${now.text}${now.drill ? '  演练 drill' : ''}`
  return difference.is === 'moved' ? `${line}  before: ${spanText(difference.before)}` : line
}

const spanText = ({ raisedAt, clearedAt }: ReplayedCase): string =>
  `${raisedAt.slice(0, 19).replace('T', ' ')} to ${clearedAt === null ? 'the end' : clearedAt.slice(11, 19)}`

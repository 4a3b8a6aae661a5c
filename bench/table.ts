import type { Measured, Notes, Row } from './rows.ts'
import { rounded } from './rows.ts'

/** The rows of one area as lines of text, each with how it was measured. */
export function tableOf(rows: readonly Row[], measured: readonly Measured[]): readonly string[] {
  const width = Math.max(...rows.map(({ name }) => name.length))
  let before: readonly string[] = []
  return rows.flatMap((row) => {
    const notes = measured.find(({ name }) => name === row.name)?.notes
    const lines = notes ? noteLines(notes) : []
    // Rows of one measurement share what was said: it stands below the first of them.
    const fresh = lines.filter((line) => !before.includes(line))
    before = lines
    return [lineOf(row, width), ...fresh]
  })
}

function lineOf({ name, value, unit, goal, direction, reached }: Row, width: number): string {
  const sign = direction === 'at most' ? '≤' : '≥'
  const figure = `${value} ${unit}`.padStart(16)
  return `${reached ? 'ok ' : 'NOT'} ${name.padEnd(width)} ${figure}   goal ${sign} ${goal} ${unit}`
}

function noteLines({ messages, devices, fsyncMs, cpu, bare, said = [] }: Notes): readonly string[] {
  const shares = Object.entries(cpu).map(([process, share]) => `${process} ${Math.round(share)} %`)
  const first = [
    ...(bare === undefined ? [] : [`bare script ${rounded(bare)}`]),
    `${messages.toLocaleString('en')} messages`,
    `${devices.toLocaleString('en')} devices`,
    `fsync ${fsyncMs.toFixed(2)} ms`,
    ...(shares.length === 0 ? [] : [`CPU ${shares.join(', ')}`]),
  ]
  return [first.join(' · '), ...said].map((line) => `      ${line}`)
}

import type { Duration } from '../base/clock.ts'

/** One device in the live table. */
export interface DeviceRow {
  readonly id: string
  readonly isReady: boolean
  readonly shown: string
  readonly fault: string | undefined
}

/** One case as its platform knows it now. */
export interface CaseRow {
  readonly after: Duration
  readonly class: string
  readonly name: string
  readonly place: string
  readonly stage: string
  readonly drill: boolean
  readonly hasCleared: boolean
  readonly proofs: number
}

export interface TableView {
  readonly title: string
  readonly elapsed: Duration
  readonly length: Duration
  readonly devices: readonly DeviceRow[]
  readonly cases: readonly CaseRow[]
}

/** What a terminal shows is cut to this many lines of cases; the judge sees all. */
const SHOWN_CASES = 20

/** The live table as lines, no wider than the terminal. */
export function tableLines(view: TableView, width: number): string[] {
  const { title, elapsed, length, devices, cases } = view
  const left = cases.length - SHOWN_CASES
  return [
    `${title}  ${seconds(elapsed)} / ${seconds(length)}`,
    '',
    ...columns(
      ['device', '', 'shows', 'fault'],
      devices.map((row) => [row.id, row.isReady ? 'on' : '…', row.shown, row.fault ?? '']),
    ),
    '',
    ...columns(
      ['after', 'class', '案件', 'place', 'stage', 'proof', ''],
      cases
        .slice(-SHOWN_CASES)
        .map((row) => [
          seconds(row.after),
          row.class,
          row.name,
          row.place,
          row.stage,
          String(row.proofs),
          [row.hasCleared ? 'cleared' : '', row.drill ? 'drill 演练' : ''].filter(Boolean).join(', '),
        ]),
    ),
    ...(left > 0 ? [`… and ${left} earlier`] : []),
  ].map((line) => cut(line, width))
}

function columns(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...all.map((row) => widthOf(row[i] ?? ''))))
  return all.map((row) =>
    row
      .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  )
}

/** Chinese characters take two cells of a terminal. */
const isWide = (char: string): boolean =>
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]/.test(char)

export const widthOf = (text: string): number =>
  Array.from(text).reduce((sum, char) => sum + (isWide(char) ? 2 : 1), 0)

function cut(line: string, width: number): string {
  let taken = 0
  let kept = ''
  for (const char of line) {
    taken += isWide(char) ? 2 : 1
    if (taken > width) return kept
    kept += char
  }
  return kept
}

const seconds = (span: Duration): string => `${(span / 1000).toFixed(1)} s`

/** Draws the table over itself; only for terminals. */
export function liveTable(out: NodeJS.WriteStream): { draw(view: TableView): void; end(): void } {
  let drawn = 0
  return {
    draw(view) {
      const lines = tableLines(view, out.columns || 120)
      // Up to the first line of the last drawing, and clear from there.
      out.write(`${drawn > 0 ? `\u001b[${drawn}A` : ''}\u001b[J${lines.join('\n')}\n`)
      drawn = lines.length
    },
    end() {
      drawn = 0
    },
  }
}

import { msOfUnit, type Amount } from '../base/amount.ts'
import { quantities } from '../gateway/quantity.ts'
import { inTableUnit } from './limit.ts'

/** A number with its unit in the text of a condition. */
export interface WrittenAmount extends Amount {
  /** Where the number ends, and where its unit ends. */
  readonly numberEnd: number
  readonly end: number
}

export interface UnitlessText {
  /** The text with a blank for each character of a unit: what stands where stays. */
  readonly text: string
  /** By where the number begins. */
  readonly amounts: ReadonlyMap<number, WrittenAmount>
  readonly complaints: readonly string[]
}

/** What can be a unit: anything but what CEL means by itself. `%` is one: there is no remainder of doubles. */
const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const UNIT = /[ \t]*([^\s\d.,;()&|<>=!?:+\-*/"'`[\]{}\\]+)/y
const WORD = /[A-Za-z_]\w*/y

const units = [...new Set(Object.values(quantities).map(({ unit }) => unit))].filter((unit) => unit !== '')

/** `portTemperature >= 70 °C` is no CEL: takes the units out and says where they stood. */
export function withoutUnits(text: string): UnitlessText {
  const amounts = new Map<number, WrittenAmount>()
  const complaints: string[] = []
  let plain = ''
  let at = 0
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    return pattern.exec(text)
  }
  while (at < text.length) {
    const char = text.charAt(at)
    if (char === '"' || char === "'") {
      const end = endOfText(text, at)
      if (text.startsWith(char.repeat(3), at)) complaints.push('write a text in plain quotes')
      plain += text.slice(at, end)
      at = end
      continue
    }
    const word = match(WORD)
    if (word) {
      plain += word[0]
      at += word[0].length
      if (/^[bBrR]$/.test(word[0]) && /["']/.test(text.charAt(at))) {
        complaints.push('write a text in plain quotes')
      }
      continue
    }
    const number = match(NUMBER)
    if (!number) {
      plain += char
      at++
      continue
    }
    const start = at
    at += number[0].length
    plain += number[0]
    const unit = match(UNIT)?.[1]
    if (unit === undefined || unit === 'in') continue
    const end = UNIT.lastIndex
    const written = inTableUnit({ value: Number(number[0]), unit })
    if (!units.includes(written.unit)) complaints.push(unknownUnit(unit))
    amounts.set(start, { ...written, numberEnd: at, end })
    plain += ' '.repeat(end - at)
    at = end
  }
  return { text: plain, amounts, complaints }
}

function endOfText(text: string, start: number): number {
  const quote = text.charAt(start)
  for (let at = start + 1; at < text.length; at++) {
    if (text.charAt(at) === '\\') at++
    else if (text.charAt(at) === quote) return at + 1
  }
  return text.length
}

/** Too short for a guess by letters: `C`, `ma` and `kwh` differ by a sign or by their case. */
function unknownUnit(unit: string): string {
  const bare = (text: string): string => text.replace('°', '').toLowerCase()
  const lower = msOfUnit(unit.toLowerCase()) === undefined ? undefined : unit.toLowerCase()
  const meant = units.find((known) => bare(known) === bare(unit)) ?? lower
  return `unknown unit "${unit}"${meant === undefined ? `; known are ${units.join(', ')}` : `; did you mean "${meant}"?`}`
}

import { parseDuration } from '../base/amount.ts'
import type { Complaint } from '../base/schema.ts'
import {
  COIL_ON,
  DEFAULT_WITHIN,
  endsAfterMs,
  partsOf,
  ticksOf,
  wordsOf,
  type CommandEntry,
  type ConfirmEntry,
  type NumberedPart,
  type WriteEntry,
} from './command-file.ts'
import { effectOf, type CommandKind } from './command-kind.ts'
import type { CompiledPoint } from './profile.ts'
import { quantityOf } from './quantity.ts'

const LONGEST_WITHIN_MS = 300_000
/** A door that stands open, or a siren that goes on, longer than this is not what was meant. */
const LONGEST_SIGNAL_MS = 600_000
const LONGEST_DOOR_MS = 60_000

/** What no schema can see in a command. Paths begin at the command. */
export function commandMistakes(
  kind: CommandKind,
  entry: CommandEntry,
  points: readonly Pick<CompiledPoint, 'quantity' | 'part'>[],
): Complaint[] {
  const { write, publish, frame, confirm } = entry
  const ways = [write, publish, frame].filter((way) => way !== undefined)
  if (ways.length !== 1) return [{ path: '', text: 'wanted exactly one of "write", "publish" and "frame"' }]
  return [
    ...(write ? writeMistakes(write, partsOf(entry).length) : []),
    ...(confirm ? confirmMistakes(confirm, partsOf(entry), points) : []),
    ...effectMistakes(kind, entry),
  ]
}

/** What a command does asks for more than its form. */
function effectMistakes(kind: CommandKind, entry: CommandEntry): Complaint[] {
  const effect = effectOf(kind)
  const ends = endsAfterMs(entry)
  if ((effect === 'cuts' || effect === 'restores') && !entry.confirm) {
    return [
      { path: '', text: '"confirm" is missing: whether power is off or on is read back, never believed' },
    ]
  }
  if (effect !== 'signals' && effect !== 'opens') return []
  if (effect === 'opens' && entry.write && !entry.write.pulse) {
    return [
      { path: '/write', text: 'a strike is pulsed: "pulse" is missing. What is latched stays so without us' },
    ]
  }
  if (ends === undefined) {
    return [
      { path: '', text: '"endsAfter" is missing: the device itself must end it, also when we are gone' },
    ]
  }
  const longest = effect === 'opens' ? LONGEST_DOOR_MS : LONGEST_SIGNAL_MS
  if (ends > 0 && ends <= longest) return []
  return [{ path: '', text: `it lasts more than 0 s and ${longest / 1000} s at most; got ${ends / 1000} s` }]
}

function writeMistakes(write: WriteEntry, parts: number): Complaint[] {
  const { function: fn, address, stride = 1, set, bits, words = [], pulse } = write
  const wrong = (text: string): Complaint[] => [{ path: '/write', text }]
  if (address + (parts - 1) * stride > 65_535) return wrong('the last part lies above 65535')
  if ((set !== undefined) !== (fn === 5 && words.length === 0 && !pulse))
    return wrong('"set" belongs to function 5 and stands alone there; or "words", or "pulse"')
  if ((bits !== undefined) !== (fn === 15))
    return wrong('"bits" belongs to function 15, which has nothing else')
  if (fn === 15 && (words.length > 0 || pulse)) return wrong('function 15 has "bits" alone')
  const count = wordsOf(write).length
  if (fn !== 15 && count === 0) return wrong('wanted "words" or "pulse"')
  if ((fn === 5 || fn === 6) && count > 1) return wrong(`function ${fn} writes one word; got ${count}`)
  if (!pulse) return []
  const ticks = ticksOf(pulse)
  // FF00 is a coil that stays on, and 0 one that is off: a pulse must never turn into either.
  const most = fn === 5 ? COIL_ON - 1 : 65_535
  if (ticks >= 1 && ticks <= most) return []
  return [{ path: '/write/pulse', text: `span divided by tick is 1 to ${most}; got ${ticks}` }]
}

function confirmMistakes(
  confirm: ConfirmEntry,
  parts: readonly NumberedPart[],
  points: readonly Pick<CompiledPoint, 'quantity' | 'part'>[],
): Complaint[] {
  const { quantity, part, is, atMost, atLeast, within = DEFAULT_WITHIN } = confirm
  const kind = quantityOf(quantity).kind
  const wrong = (path: string, text: string): Complaint[] => [{ path: `/confirm${path}`, text }]
  if ([is, atMost, atLeast].filter((side) => side !== undefined).length !== 1)
    return wrong('', 'wanted exactly one of "is", "atMost" and "atLeast"')
  if (is === undefined && kind !== 'number') return wrong('/quantity', `"${quantity}" is not a number`)
  const wanted = is === undefined ? [] : Array.isArray(is) ? is : [is]
  const asType = kind === 'text' ? 'string' : kind
  const other = wanted.find((value) => typeof value !== asType)
  if (other !== undefined) return wrong('/is', `"${quantity}" is a ${kind}; got ${JSON.stringify(other)}`)
  const ms = parseDuration(within)
  if (ms < 1 || ms > LONGEST_WITHIN_MS) return wrong('/within', 'wanted more than 0 s and 5 min at most')
  const missing = parts.find(
    (one) => !points.some((point) => point.quantity === quantity && point.part === (part ?? one.part)),
  )
  if (!missing) return []
  const where = part ?? missing.part
  return wrong('/quantity', `no point gives ${where === '' ? '' : `${where}/`}${quantity}`)
}

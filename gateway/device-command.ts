import { createHash } from 'node:crypto'
import { parseDuration } from '../base/amount.ts'
import type { Duration } from '../base/clock.ts'
import type { Complaint } from '../base/schema.ts'
import {
  DEFAULT_WITHIN,
  endsAfterMs,
  partsOf,
  wordsOf,
  type CommandEntry,
  type Commands,
  type ConfirmEntry,
  type WriteEntry,
} from './command-file.ts'
import { commandKindIds, type CommandKind } from './command-kind.ts'
import { commandMistakes } from './command-mistakes.ts'
import type { Order, WriteOrder } from './order.ts'
import type { CompiledPoint } from './profile.ts'
import { quantityOf } from './quantity.ts'
import type { Reading } from './reading.ts'

/** A command of a device model, ready to be sent. */
export interface DeviceCommand {
  readonly kind: CommandKind
  /** The parts that it can be given to; the empty one is the device itself. */
  readonly parts: readonly string[]
  /** How long it lasts by itself: not said again before. */
  readonly lastsMs: Duration
  readonly confirm: Confirm | undefined
  /** @param part one of `parts`; @param id of the request, from which numbers on the wire are made */
  orderFor(part: string, id: string): Order
}

/** 回读: the reading that shows that a command was carried out. */
export interface Confirm {
  readonly withinMs: Duration
  /** For people: `portState is idle or plugged`. */
  readonly text: string
  /** @param part the part that the command was for */
  isAbout(reading: Reading, part: string): boolean
  holds(reading: Reading): boolean
}

/** Checks what the schema cannot; complaints name a path in the file. */
export function compileCommands(
  file: Commands | undefined,
  points: readonly Pick<CompiledPoint, 'quantity' | 'part'>[],
): { readonly commands: ReadonlyMap<CommandKind, DeviceCommand>; readonly complaints: readonly Complaint[] } {
  const commands = new Map<CommandKind, DeviceCommand>()
  const complaints: Complaint[] = []
  for (const kind of commandKindIds) {
    const entry = file?.[kind]
    if (!entry) continue
    const wrong = commandMistakes(kind, entry, points)
    complaints.push(...wrong.map(({ path, text }) => ({ path: `/commands/${kind}${path}`, text })))
    if (wrong.length === 0) commands.set(kind, compiled(kind, entry))
  }
  return { commands, complaints }
}

function compiled(kind: CommandKind, entry: CommandEntry): DeviceCommand {
  const parts = partsOf(entry)
  return {
    kind,
    parts: parts.map(({ part }) => part),
    lastsMs: endsAfterMs(entry) ?? 0,
    confirm: entry.confirm && compiledConfirm(entry.confirm),
    orderFor(part, id) {
      const index = parts.findIndex((one) => one.part === part)
      return orderOf(entry, { index, n: parts[index]?.n }, id)
    },
  }
}

function orderOf(
  { write, publish, frame, endsAfter }: CommandEntry,
  { index, n }: { readonly index: number; readonly n: number | undefined },
  id: string,
): Order {
  const numbered = (text: string): string => text.replaceAll('{n}', String(n ?? ''))
  if (write) return writeOrder(write, write.address + index * (write.stride ?? 1))
  if (publish) {
    const { payload, topic = 'set' } = publish
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
    return { is: 'publish', leaf: numbered(topic), payload: numbered(text) }
  }
  return {
    is: 'frame',
    frame: frame ?? 'read',
    port: n,
    seconds: endsAfter === undefined ? undefined : Math.ceil(parseDuration(endsAfter) / 1000),
    orderNumber: createHash('sha256').update(id).digest('hex').slice(0, 32),
  }
}

function writeOrder(write: WriteEntry, address: number): WriteOrder {
  const words = wordsOf(write)
  switch (write.function) {
    case 5:
    case 6:
      return { is: 'write', function: write.function, address, word: words[0] ?? 0 }
    case 15:
      return { is: 'write', function: 15, address, bits: write.bits ?? [] }
    case 16:
      return { is: 'write', function: 16, address, words }
  }
}

function compiledConfirm(file: ConfirmEntry): Confirm {
  const { quantity, part, is, atMost, atLeast, within = DEFAULT_WITHIN } = file
  const wanted = is === undefined ? [] : Array.isArray(is) ? is : [is]
  const { unit } = quantityOf(quantity)
  const sides = [
    ...(atMost === undefined ? [] : [`≤ ${atMost} ${unit}`.trim()]),
    ...(atLeast === undefined ? [] : [`≥ ${atLeast} ${unit}`.trim()]),
  ]
  return {
    withinMs: parseDuration(within),
    text: `${quantity} ${wanted.length > 0 ? `is ${wanted.join(' or ')}` : sides.join(' and ')}`,
    isAbout: (reading, ofCommand) => reading.quantity === quantity && reading.part === (part ?? ofCommand),
    holds({ value, quality }) {
      if (quality === 'bad') return false
      if (wanted.length > 0) return wanted.includes(value)
      return typeof value === 'number' && value <= (atMost ?? Infinity) && value >= (atLeast ?? -Infinity)
    },
  }
}

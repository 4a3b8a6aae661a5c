import type { HeardBytes } from './heard-bytes.ts'

/** What one unit did when it was asked several times. */
export interface UnitSeen {
  readonly unit: number
  readonly heard: readonly HeardBytes['is'][]
}

/** What is wrong with one line at one baud rate, in words for somebody who holds a screwdriver. */
export interface LineSeen {
  /** Bytes that came before anybody was asked. */
  readonly unasked: Uint8Array
  readonly asked: number
  /** Those that were not all silence. */
  readonly units: readonly UnitSeen[]
}

/** So many of those who were asked gave garbage: it is the line and not a unit. */
const MANY = 0.5
const FEW = 3

const isReply = (is: HeardBytes['is']): boolean => is === 'data' || is === 'exception' || is === 'several'

/** Units that answer as one unit does. */
export const soundUnits = ({ units }: LineSeen): readonly number[] =>
  units.filter(({ heard }) => heard.some(isReply)).map(({ unit }) => unit)

export function lineWords(seen: LineSeen): readonly string[] {
  const { asked, unasked, units } = seen
  const words: string[] = []
  const sound = soundUnits(seen)
  const noisy = units.filter(({ heard }) => !heard.some(isReply))
  if (unasked.length > 0 && sound.length === 0) words.push(unaskedWords(unasked))
  else if (unasked.length > 0)
    words.push('somebody speaks without being asked: another master on the line, or noise')
  if (sound.length === 0 && noisy.length > 0 && (noisy.length >= MANY * asked || noisy.length >= FEW))
    words.push(
      'there are answers, and no sum among them holds: another baud rate or parity, or the pair is reversed (swap A and B)',
    )
  else
    for (const { unit } of noisy)
      words.push(`unit ${unit}: answers come, and no sum holds, while the others are silent: ${TWINS}`)
  for (const { heard, unit } of units) {
    const isMixed = heard.includes('several') || (heard.some(isReply) && heard.includes('garbage'))
    if (isMixed) words.push(`unit ${unit}: more than one answers: ${TWINS}`)
  }
  return words
}

const TWINS = 'two units with the same address. Take one off the line, give it another address, scan again'

function unaskedWords(bytes: Uint8Array): string {
  const isFlat = bytes.every((byte) => byte === 0 || byte === 0xff)
  return isFlat
    ? 'the line is never quiet, and all of it is 00 or FF: the pair is reversed (swap A and B), or its bias is missing'
    : 'bytes come though nobody was asked: another baud rate, another master on the line, or a meter that speaks by itself'
}

/** Nothing at all came, at any baud rate. */
export const silenceWords: readonly string[] = [
  'nothing answers: is the unit powered, and is its ground joined?',
  'a reversed pair can be silent too: swap A and B and scan again',
  'its address may lie beyond those asked (--units 1-247), its baud rate among others (--bauds), its parity be even (--parity even)',
  'it may speak another protocol: DL/T 645 meters are asked by the transport dlt645',
]

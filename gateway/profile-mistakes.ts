import { nearest, type Complaint } from '../base/schema.ts'
import type { MeterItem, Point, Register } from './profile-file.ts'
import type { CompiledPoint, Profile } from './profile.ts'
import { quantityOf, type Quantity, type QuantityId } from './quantity.ts'

/** What no schema can see in a point: keys that do not fit its quantity or each other. Paths begin at the point. */
export function pointMistakes(point: Point, quantity: QuantityId): readonly Complaint[] {
  const kind = quantityOf(quantity)
  return [
    ...kindMistakes(point, quantity, kind),
    ...rangeMistakes(point.range, quantity, kind),
    ...partMistakes(point),
  ]
}

function kindMistakes(point: Point, id: QuantityId, { kind }: Quantity): readonly Complaint[] {
  const found: Complaint[] = []
  const only = (keys: readonly (keyof Point)[], wanted: Quantity['kind'], text: string): void => {
    if (kind === wanted) return
    for (const key of keys)
      if (point[key] !== undefined) found.push({ path: `/${key}`, text: `"${id}" ${text}` })
  }
  only(['scale', 'offset', 'limitAt', 'range'], 'number', 'is no number')
  only(['invert', 'bit', 'lasts'], 'boolean', 'is not true or false')
  for (const [raw, value] of Object.entries(point.values ?? {})) {
    const wanted = kind === 'text' ? 'string' : kind
    if (typeof value !== wanted)
      found.push({ path: `/values/${raw}`, text: `"${id}" is ${shownKind[kind]}; got ${String(value)}` })
  }
  if (point.others !== undefined && !point.values)
    found.push({ path: '/others', text: 'speaks of what "values" does not list, and there is no "values"' })
  if (point.bit !== undefined && typeof point.from !== 'string')
    found.push({ path: '/bit', text: 'is for a field; of a register it stands inside "from"' })
  return found
}

const shownKind = { number: 'a number', boolean: 'true or false', text: 'a text' } as const

function rangeMistakes(range: Point['range'], id: QuantityId, quantity: Quantity): readonly Complaint[] {
  if (!range || quantity.kind !== 'number') return []
  const [low = 0, high = 0] = range
  const { min = -Infinity, max = Infinity, unit } = quantity
  if (low >= high) return [{ path: '/range', text: `wanted [lowest, highest]; got [${low}, ${high}]` }]
  if (low >= min && high <= max) return []
  const text = `"${id}" is believed from ${min} to ${max} ${unit}; a narrower range may stand here; got [${low}, ${high}]`
  return [{ path: '/range', text }]
}

/** Repeated parts that all read the same place are a slip. */
function partMistakes({ from, part, each }: Point): readonly Complaint[] {
  const isNumbered =
    typeof from === 'string' ? /\{[ni]\}/.test(from) : 'item' in from && from.item.includes('{n}')
  if (!each) {
    return isNumbered ? [{ path: '/from', text: 'speaks of {n} or {i}, and there is no "each"' }] : []
  }
  const found: Complaint[] = []
  if (part !== undefined) found.push({ path: '/part', text: 'the parts are named by "each" already' })
  if (each.count > 1 && !isNumbered && each.stride === undefined) {
    const text = 'every part would read the same: wanted {n} in "from", or for registers a stride in "each"'
    found.push({ path: '/each', text })
  }
  return found
}

/** The register or item of one part. */
export function sourceMistake({
  register,
  item,
}: Pick<CompiledPoint, 'register' | 'item'>): string | undefined {
  if (register) return wrongRegister(register)
  return item && wrongItem(item)
}

function wrongRegister({ register, function: fn = 3, type, bit }: Register): string | undefined {
  const isBit = type === 'bit'
  if (isBit !== fn <= 2)
    return `function ${fn} has ${fn <= 2 ? 'the type bit' : 'no type bit'}; got "${type}"`
  if (bit !== undefined && type !== 'u16') return `a bit of a register needs the type u16; got "${type}"`
  if (register > 65_535) return `the last of them is register ${register}; there are none above 65535`
  return undefined
}

function wrongItem({ item, format }: MeterItem): string | undefined {
  if (!/^[0-9A-F]{8}$/.test(item)) return `wanted 8 hexadecimal digits; got "${item}"`
  const digits = format.replace('.', '').length
  return digits % 2 === 0 ? undefined : `wanted two digits a byte; "${format}" has ${digits}`
}

/** `quantity` or `part/quantity`: what examples and people call a reading. */
export const readingName = ({ part, quantity }: Pick<CompiledPoint, 'part' | 'quantity'>): string =>
  part === '' ? quantity : `${part}/${quantity}`

/** Two points that give one reading would overwrite each other. Answers the name of the point that was first. */
export function doublePoints(points: readonly CompiledPoint[]): ReadonlyMap<string, string> {
  const firstOf = new Map<string, string>()
  const doubles = new Map<string, string>()
  for (const point of points) {
    const name = readingName(point)
    const first = firstOf.get(name)
    if (first === undefined) firstOf.set(name, point.name)
    else if (first !== point.name) doubles.set(point.name, first)
  }
  return doubles
}

/** What an example says that this profile can never give; whether it decodes so is tried with its codec. */
export function exampleMistakes({ examples, points }: Profile): readonly Complaint[] {
  const known = new Map(points.map((point) => [readingName(point), point.quantity]))
  return examples.flatMap(({ path, payload, hex, text, gives }) => {
    const found: Complaint[] = []
    const given = [payload, hex, text].filter((one) => one !== undefined).length
    if (given !== 1) found.push({ path, text: 'wanted one of "payload", "hex" and "text"' })
    for (const [name, value] of Object.entries(gives)) {
      const quantity = known.get(name)
      if (quantity === undefined) {
        const meant = name.length <= 60 ? nearest(name, [...known.keys()]) : undefined
        const hint = meant ? `; did you mean "${meant}"?` : ''
        found.push({
          path: `${path}/gives/${name.replaceAll('/', '~1')}`,
          text: `no point gives "${name}"${hint}`,
        })
        continue
      }
      const { kind } = quantityOf(quantity)
      const isRight = value === 'bad' || typeof value === (kind === 'text' ? 'string' : kind)
      if (!isRight) {
        const wanted = `${name} is ${shownKind[kind]}, or "bad" where it is not believed; got ${String(value)}`
        found.push({ path: `${path}/gives/${name.replaceAll('/', '~1')}`, text: wanted })
      }
    }
    return found
  })
}

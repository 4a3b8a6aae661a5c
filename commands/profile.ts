import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { GanglionError } from '../base/errors.ts'
import { ConfigError } from '../base/yaml.ts'
import { said } from '../device-drivers/example-trial.ts'
import { idsIn, readProfile } from '../gateway/profile-shelf.ts'
import type { Example } from '../gateway/profile.ts'
import { quantityOf, type QuantityId } from '../gateway/quantity.ts'
import { say, type Command } from './command.ts'
import { checkProfile, type TriedProfile } from './profile-check.ts'
import { shippedProfiles } from './rooms.ts'

/** `ganglion profile list` and `ganglion profile check <file>`: what device models can say; opens no socket. */
const profile: Command = {
  name: 'profile',
  summary: 'device models: profile list | profile check <file> decodes its examples and says what is wrong',
  async run(words) {
    const { positionals } = parseArgs({ args: words, allowPositionals: true })
    const [what, file] = positionals
    if (what === 'list' && positionals.length === 1) return list()
    if (what === 'check' && file !== undefined && positionals.length === 2) return check(file)
    throw new GanglionError('usage', 'wanted: ganglion profile list, or ganglion profile check <file>')
  },
}
export default profile

function list(): number {
  for (const id of idsIn(shippedProfiles)) {
    const variants = [...readProfile(id, join(shippedProfiles, `${id}.yaml`))]
    const [[, first] = []] = variants
    if (!first) continue
    const names = variants.flatMap(([name]) => (name === undefined ? [] : [name]))
    const choice = names.length === 0 ? '' : `  variant: ${names.join(' | ')}`
    say(`${id.padEnd(24)} ${first.codec.padEnd(12)} ${first.power.padEnd(8)} ${first.name.zh}${choice}`)
  }
  return 0
}

async function check(file: string): Promise<number> {
  const { variants, mistakes } = await checkProfile(resolve(file), file)
  for (const tried of variants) for (const line of shown(tried)) say(line)
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  say(`${file}: right`)
  return 0
}

/** Readings per example, as people read them. */
function shown({ profile, trials }: TriedProfile): readonly string[] {
  const { variant, points, power, availability, silentAfter } = profile
  const asked = availability.canBeAsked ? 'can be asked' : 'cannot be asked'
  const head = [
    `${profile.id}${variant === undefined ? '' : ` (variant ${variant})`}: ${profile.name.zh} · ${profile.name.en}`,
    `  ${points.length} points, ${power}, checks in every ${spanText(availability.checksIn)}, ${asked}, missing after ${spanText(silentAfter)}`,
  ]
  if (trials.length === 0)
    head.push('  no examples: nothing shows that its payloads mean what its points say')
  return [
    ...head,
    ...trials.flatMap(({ example, readings, complaints }) => {
      const wrong = complaints.length === 0 ? '' : '   WRONG, see below'
      const rows = [...said(readings)].map(([name, value], index) => {
        const { quantity, quality } = readings[index] ?? { quantity: undefined, quality: 'bad' }
        const raw =
          value === 'bad' ? `bad (${String(readings[index]?.value)})` : `${String(value)} ${unitOf(quantity)}`
        const limit = quality === 'at-limit' ? 'at limit: this or more' : ''
        return `    ${name.padEnd(28)} ${raw.trim().padEnd(14)} ${limit}`.trimEnd()
      })
      return [
        `  ${example.path}  ${payloadText(example)}${wrong}`,
        ...(rows.length > 0 ? rows : ['    (no readings)']),
      ]
    }),
  ]
}

const unitOf = (quantity: QuantityId | undefined): string =>
  quantity === undefined ? '' : quantityOf(quantity).unit

const LONGEST_SHOWN = 60

function payloadText({ payload, hex, text }: Example): string {
  const whole = hex ?? text ?? JSON.stringify(payload)
  return whole.length > LONGEST_SHOWN ? `${whole.slice(0, LONGEST_SHOWN - 1)}…` : whole
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const

/** `25 h`, `90 s`: the largest unit that leaves no rest. */
function spanText(ms: number): string {
  if (ms % 1000 !== 0) return `${ms} ms`
  const [word, length] = units.find(([, one]) => ms >= one && ms % one === 0) ?? ['s', 1000]
  return `${ms / length} ${word}`
}

import { instant } from '../base/clock.ts'
import { isGanglionError } from '../base/errors.ts'
import type { Complaint } from '../base/schema.ts'
import { readingName } from '../gateway/profile-mistakes.ts'
import { toReadings, type Example, type Profile } from '../gateway/profile.ts'
import type { Reading, Value } from '../gateway/reading.ts'
import { bytesOf, fieldsOf, type FieldsOf } from './example-fields.ts'

/** One example, decoded by the codec that the running gateway uses. */
export interface Trial {
  readonly example: Example
  readonly readings: readonly Reading[]
  /** Where it gives something else than it says. */
  readonly complaints: readonly Complaint[]
}

/** What an example's time is does not matter: its readings are compared by their values. */
const AT = instant(0)

/** @throws GanglionError `config-invalid` when there is no codec of that name */
export async function tryExamples(profile: Profile): Promise<readonly Trial[]> {
  const decode = await fieldsOf(profile)
  return profile.examples.map((example) => tryExample(profile, example, decode))
}

function tryExample(profile: Profile, example: Example, decode: FieldsOf): Trial {
  try {
    const readings = toReadings(profile, decode(bytesOf(example)), AT)
    return { example, readings, complaints: differences(example, said(readings)) }
  } catch (error) {
    if (!isGanglionError(error)) throw error
    return { example, readings: [], complaints: [{ path: example.path, text: error.message }] }
  }
}

/** By the names that examples use; `bad` where a value is not believed. */
export const said = (readings: readonly Reading[]): ReadonlyMap<string, Value> =>
  new Map(
    readings.map((reading) => [readingName(reading), reading.quality === 'bad' ? 'bad' : reading.value]),
  )

function differences({ path, gives }: Example, got: ReadonlyMap<string, Value>): readonly Complaint[] {
  const wanted = Object.entries(gives).flatMap(([name, value]) => {
    if (got.get(name) === value) return []
    const came = got.has(name) ? JSON.stringify(got.get(name)) : 'nothing'
    const text = `wanted ${JSON.stringify(value)}; it decodes to ${came}`
    return [{ path: `${path}/gives/${name.replaceAll('/', '~1')}`, text }]
  })
  const more = [...got]
    .filter(([name]) => !Object.hasOwn(gives, name))
    .map(([name, value]) => `${name}: ${String(value)}`)
  if (more.length === 0) return wanted
  return [...wanted, { path: `${path}/gives`, text: `it gives this too: ${more.join(', ')}` }]
}

import { join } from 'node:path'
import { readYaml } from '../../base/yaml.ts'
import { instant } from '../../base/clock.ts'
import { ProfileFile } from '../../gateway/profile-file.ts'
import { idsIn, OWN_PROFILES, readProfile } from '../../gateway/profile-shelf.ts'
import { toReadings, type Profile } from '../../gateway/profile.ts'
import type { Fields, Stranger } from '../../gateway/ports.ts'
import { shippedProfiles } from '../rooms.ts'

interface Known {
  readonly profile: Profile
  readonly vendor: string
  readonly model: string
}

export interface Guess {
  readonly profile: string
  readonly variant: string | undefined
  /** What speaks for it. */
  readonly because: string
}

/** Which profile a device that nobody knows may have. */
export class KnownModels {
  readonly #known: readonly Known[]

  /** @throws ConfigError for a profile of the box that is wrong */
  constructor(boxFolder: string) {
    const folders = [shippedProfiles, join(boxFolder, OWN_PROFILES)]
    this.#known = folders.flatMap((folder) =>
      idsIn(folder).flatMap((id) => {
        const file = join(folder, `${id}.yaml`)
        const { vendor, model } = readYaml(file, ProfileFile).value
        return [...readProfile(id, file).values()].map((profile) => ({ profile, vendor, model }))
      }),
    )
  }

  /** By the label where its bridge names one, else by what it says. */
  guess({ codec, example, model, vendor }: Stranger): Guess | undefined {
    const wanted = plain(model ?? '')
    const named =
      wanted === ''
        ? undefined
        : this.#known.find(
            (known) =>
              plain(known.model).split(' ').includes(wanted) &&
              (vendor === undefined ||
                plain(known.vendor) === plain(vendor) ||
                known.profile.codec === codec),
          )
    if (named) return guessOf(named, `model ${named.model}`)
    const fields = fieldsOf(example)
    if (!fields) return undefined
    const scored = this.#known
      .filter(({ profile }) => profile.codec === (codec ?? 'json'))
      .map((known) => ({ known, ...scoreOf(known.profile, fields) }))
      .filter(({ bad, good }) => good > 0 && bad === 0)
      .sort((a, b) => b.good - a.good || a.missing - b.missing)
    const [best] = scored
    return best && guessOf(best.known, `${best.good} of its points are in what it said`)
  }
}

const guessOf = ({ profile }: Known, because: string): Guess => ({
  profile: profile.id,
  variant: profile.variant,
  because,
})

function scoreOf(profile: Profile, fields: Fields): { good: number; bad: number; missing: number } {
  const readings = toReadings(profile, fields, instant(0))
  const bad = readings.filter(({ quality }) => quality === 'bad').length
  return { good: readings.length - bad, bad, missing: profile.points.length - readings.length }
}

/** Cut examples, texts and bytes are none. */
function fieldsOf(example: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(example)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Fields)
      : undefined // an object, by the test
  } catch {
    return undefined // no JSON
  }
}

/** `HS1SA-M` and `hs1sa m` are the same label to people. */
const plain = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}.]+/gu, ' ')
    .trim()

import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { nearest } from '../base/schema.ts'
import { ConfigError, readYamlWithMistakes, type Mistake } from '../base/yaml.ts'
import { ProfileFile } from './profile-file.ts'
import { compileProfile, variantsOf, type Profile } from './profile.ts'

/** One profile file by its variants; under `undefined` where it has none. */
export type ProfileVariants = ReadonlyMap<string | undefined, Profile>

/** Beside the site files: profiles that this box brings itself. */
export const OWN_PROFILES = 'profiles'

const idPattern = /^[a-z0-9][a-z0-9-]{0,62}$/

/**
 * 物模型库: the profiles that ship with Ganglion and the box's own beside its site files. A name means one of them: an
 * own file with the name of a shipped one is a mistake. If it won, a site would go on with the old map when the
 * shipped one is mended; if it lost, an edit would do nothing.
 */
export class ProfileShelf {
  readonly #shipped: string
  readonly #own: string
  readonly #gather: (mistakes: readonly Mistake[]) => void
  readonly #read = new Map<string, ProfileVariants | undefined>()

  constructor(shipped: string, boxFolder: string, gather: (mistakes: readonly Mistake[]) => void) {
    this.#shipped = shipped
    this.#own = join(boxFolder, OWN_PROFILES)
    this.#gather = gather
    for (const id of idsIn(this.#own)) this.#readOwn(id)
  }

  /** All that may be named. */
  get ids(): readonly string[] {
    return [...idsIn(this.#shipped), ...idsIn(this.#own)].sort()
  }

  has(id: string): boolean {
    return this.#read.has(id) || existsSync(join(this.#shipped, `${id}.yaml`))
  }

  /** Undefined when it is not there or wrong; each file's mistakes are gathered once, whoever names it. */
  variants(id: string): ProfileVariants | undefined {
    if (!this.#read.has(id)) {
      const file = join(this.#shipped, `${id}.yaml`)
      this.#read.set(
        id,
        this.#try(() => readProfile(id, file)),
      )
    }
    return this.#read.get(id)
  }

  #readOwn(id: string): void {
    const name = `${OWN_PROFILES}/${id}.yaml`
    const wrong = (text: string): void => this.#gather([{ file: name, line: 1, path: '', text }])
    if (!idPattern.test(id))
      wrong(`the file's name is the profile's id: lower-case letters, digits and -; got "${id}"`)
    if (existsSync(join(this.#shipped, `${id}.yaml`))) {
      wrong(`a profile named "${id}" ships with Ganglion; a box's own needs another name`)
      return
    }
    this.#read.set(
      id,
      this.#try(() => readProfile(id, join(this.#own, `${id}.yaml`), name)),
    )
  }

  #try(read: () => ProfileVariants): ProfileVariants | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.#gather(error.mistakes)
      return undefined
    }
  }
}

/** @throws ConfigError with every mistake of the file; GanglionError `config-missing` when it is not there */
export function readProfile(id: string, file: string, name = relative('.', file)): ProfileVariants {
  const { yaml, mistakes } = readYamlWithMistakes(file, ProfileFile, name)
  if (!yaml) throw new ConfigError(mistakes)
  const compiled = variantsOf(yaml.value).map((variant) => compileProfile(id, yaml.value, variant))
  // A mistake of the shared points is found once for each variant.
  const complaints = new Map(
    compiled.flatMap((one) => one.complaints.map((complaint) => [JSON.stringify(complaint), complaint])),
  )
  const all = [...mistakes, ...[...complaints.values()].map(({ path, text }) => yaml.mistake(path, text))]
  if (all.length > 0) throw new ConfigError(all)
  return new Map(compiled.map(({ profile }) => [profile.variant, profile]))
}

/** The profile of a device, or what is wrong with what its site file says of it. */
export function chooseVariant(
  variants: ProfileVariants,
  { profile, variant }: { readonly profile: string; readonly variant?: string },
): Profile | { readonly key: 'profile' | 'variant'; readonly text: string } {
  const found = variants.get(variant)
  if (found) return found
  const known = [...variants.keys()].filter((name) => name !== undefined)
  if (variant === undefined) {
    const text = `"${profile}" has several firmwares; name the device's by "variant:", one of ${known.join(', ')}`
    return { key: 'profile', text }
  }
  if (known.length === 0) return { key: 'variant', text: `"${profile}" has no variants` }
  const meant = nearest(variant, known)
  const hint = meant ? `did you mean "${meant}"?` : `known are ${known.join(', ')}`
  return { key: 'variant', text: `unknown variant "${variant}"; ${hint}` }
}

/** The YAML files of a folder by their ids; none where there is no folder. */
export function idsIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name.endsWith('.yaml') && !entry.isDirectory())
    .map(({ name }) => name.slice(0, -'.yaml'.length))
    .sort()
}

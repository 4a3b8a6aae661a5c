import { basename } from 'node:path'
import { nearest } from '../base/schema.ts'
import { ConfigError, readYaml, type Mistake } from '../base/yaml.ts'
import { mqttCodecNames } from '../device-drivers/codecs/by-name.ts'
import { frameCodecs } from '../device-drivers/example-fields.ts'
import { tryExamples, type Trial } from '../device-drivers/example-trial.ts'
import { readProfile } from '../gateway/profile-shelf.ts'
import { ProfileFile } from '../gateway/profile-file.ts'
import type { Profile } from '../gateway/profile.ts'

export interface TriedProfile {
  readonly profile: Profile
  readonly trials: readonly Trial[]
}

export interface CheckedProfile {
  readonly variants: readonly TriedProfile[]
  readonly mistakes: readonly Mistake[]
}

/**
 * Every variant of a file, compiled and with its examples decoded.
 * @throws ConfigError when it is wrong before anything can be decoded; GanglionError `config-missing`
 */
export async function checkProfile(file: string, name = file): Promise<CheckedProfile> {
  const id = basename(file).replace(/\.yaml$/, '')
  const profiles = [...readProfile(id, file, name).values()]
  const yaml = readYaml(file, ProfileFile, name)
  const known = [...frameCodecs, ...(await mqttCodecNames())].sort()
  const { codec } = yaml.value
  if (!known.includes(codec)) {
    const meant = nearest(codec, known)
    const hint = meant ? `did you mean "${meant}"?` : `known are ${known.join(', ')}`
    throw new ConfigError([yaml.mistake('/codec', `unknown codec "${codec}"; ${hint}`)])
  }
  const variants = await Promise.all(
    profiles.map(async (profile) => ({ profile, trials: await tryExamples(profile) })),
  )
  const complaints = new Map(
    variants
      .flatMap(({ trials }) => trials.flatMap((trial) => trial.complaints))
      .map((complaint) => [JSON.stringify(complaint), complaint]),
  )
  return {
    variants,
    mistakes: [...complaints.values()].map(({ path, text }) => yaml.mistake(path, text)),
  }
}

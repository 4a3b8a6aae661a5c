import { ConfigError } from '../../base/yaml.ts'
import { ProfileShelf } from '../../gateway/profile-shelf.ts'
import type { Profile } from '../../gateway/profile.ts'
import { shippedProfiles } from '../rooms.ts'

/** All known maps of a codec, each firmware by itself: those that ship and the box's own. @throws ConfigError */
export function profilesOf(boxFolder: string, codec: string): readonly Profile[] {
  const shelf = new ProfileShelf(shippedProfiles, boxFolder, (mistakes) => {
    throw new ConfigError(mistakes)
  })
  return shelf.ids
    .flatMap((id) => [...(shelf.variants(id)?.values() ?? [])])
    .filter((profile) => profile.codec === codec)
}

import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Mistake } from '../base/yaml.ts'
import { idsIn } from './profile-shelf.ts'

/** Beside the site files: packs and a catalogue that this box brings itself. */
export const OWN_PACKS = 'packs'
export const OWN_CATALOGUES = 'catalogue'

/** Files of one sort by their ids: those that ship with Ganglion and the box's own. */
export interface Shelves {
  /** Where those lie that ship. */
  readonly shipped: string
  readonly boxFolder: string
  /** The folder of its own ones in the box folder. */
  readonly own: typeof OWN_PACKS | typeof OWN_CATALOGUES
}

export interface Shelved {
  readonly file: string
  /** What mistakes call it. */
  readonly name: string
  readonly isOwn: boolean
}

const idPattern = /^[a-z0-9][a-z0-9-]{0,62}$/
const whatOf = { [OWN_PACKS]: 'pack', [OWN_CATALOGUES]: 'catalogue' } as const

/** All that may be named. */
export const idsOn = ({ shipped, boxFolder, own }: Shelves): readonly string[] =>
  [...new Set([...idsIn(shipped), ...idsIn(join(boxFolder, own))])].sort()

export function fileOn({ shipped, boxFolder, own }: Shelves, id: string): Shelved | undefined {
  const ships = join(shipped, `${id}.yaml`)
  if (existsSync(ships)) return { file: ships, name: relative('.', ships), isOwn: false }
  const name = `${own}/${id}.yaml`
  const file = join(boxFolder, name)
  return existsSync(file) ? { file, name, isOwn: true } : undefined
}

/** A name means one file, as on the shelf of profiles. */
export function shelfMistakes({ shipped, boxFolder, own }: Shelves): readonly Mistake[] {
  return idsIn(join(boxFolder, own)).flatMap((id): Mistake[] => {
    const wrong = (text: string): Mistake => ({ file: `${own}/${id}.yaml`, line: 1, path: '', text })
    const what = whatOf[own]
    if (!idPattern.test(id))
      return [wrong(`the file's name is the ${what}'s id: lower-case letters, digits and -; got "${id}"`)]
    if (!existsSync(join(shipped, `${id}.yaml`))) return []
    return [wrong(`a ${what} named "${id}" ships with Ganglion; a box's own needs another name`)]
  })
}

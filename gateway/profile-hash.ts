import { createHash } from 'node:crypto'
import type { ProfileFile } from './profile-file.ts'

/** SHA-256 over what a profile says of its devices: the same when nothing but its examples has changed. */
export function profileHash(id: string, file: ProfileFile, variant: string | undefined): string {
  const said = Object.entries(file).filter(([key]) => key !== 'examples')
  return createHash('sha256')
    .update(JSON.stringify([id, variant, said]))
    .digest('hex')
}

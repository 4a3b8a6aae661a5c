import { createHash } from 'node:crypto'
import type { ProfileFile } from './profile-file.ts'

/** SHA-256 over what a profile says of its devices: the same when nothing but its examples has changed. */
export function profileHash(id: string, { examples: _, ...file }: ProfileFile, variant: string | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify([id, variant, file]))
    .digest('hex')
}

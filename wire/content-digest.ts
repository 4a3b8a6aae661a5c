import { createHash, hash, timingSafeEqual } from 'node:crypto'
import { isInnerList, parseDictionary, serializeBytes } from './structured-fields.ts'

/** Content-Digest (RFC 9530): the hash of a body as a header that a signature can cover. */

/** `sha-256=:…:` of a body. */
export function contentDigest(body: string | Uint8Array): string {
  return `sha-256=:${hash('sha256', body, 'base64')}:`
}

/** The same from a SHA-256 in hex that is already known: a proof file is not read twice. */
export function contentDigestOf(sha256: string): string {
  return `sha-256=${serializeBytes(Buffer.from(sha256, 'hex'))}`
}

/**
 * True when every SHA-2 digest of the header is the body's, and there is one.
 * To be asked with the raw bytes, before anything parses them: a signature only says that the header is genuine.
 */
export function contentDigestHolds(header: string | undefined, body: Uint8Array): boolean {
  const digests = header === undefined ? undefined : parseDictionary(header)
  if (!digests) return false
  let known = 0
  for (const [algorithm, member] of digests) {
    const name = algorithm === 'sha-256' ? 'sha256' : algorithm === 'sha-512' ? 'sha512' : undefined
    // RFC 9530 §5: other algorithms may stand beside and are passed over.
    if (name === undefined) continue
    if (isInnerList(member) || !(member.value instanceof Uint8Array)) return false
    const found = createHash(name).update(body).digest()
    if (found.length !== member.value.length || !timingSafeEqual(found, member.value)) return false
    known++
  }
  return known > 0
}

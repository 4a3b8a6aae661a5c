import { hash, timingSafeEqual } from 'node:crypto'

/** Compared in constant time, also when the lengths differ. */
export function isSameText(given: string, wanted: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', wanted, 'buffer'))
}

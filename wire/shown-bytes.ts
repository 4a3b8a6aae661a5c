const MOST_SHOWN = 16

/** Bytes for a person to read: `01 83 02 c0 f1`, the first of many. */
export function shownBytes(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, MOST_SHOWN))
    .toString('hex')
    .replace(/..(?=.)/g, '$& ')
  return bytes.length > MOST_SHOWN ? `${shown} … (${bytes.length} bytes)` : shown
}

/**
 * GB 18030 text. Node decodes it and does not encode it, so the encoder is the decoder turned round: every
 * two-byte and four-byte code is decoded once, at the first use (63,000 codes, some ten milliseconds).
 */
export function decodeGb18030(bytes: Uint8Array): string {
  return new TextDecoder('gb18030').decode(bytes)
}

/** At most `longest` bytes, cut between two characters; what has no code (half a surrogate pair) becomes `?`. */
export function encodeGb18030(text: string, longest: number): Buffer {
  const parts: Buffer[] = []
  let length = 0
  for (const character of text) {
    const bytes = codeOf(character)
    if (length + bytes.length > longest) break
    parts.push(bytes)
    length += bytes.length
  }
  return Buffer.concat(parts)
}

let table: ReadonlyMap<string, Buffer> | undefined

function codeOf(character: string): Buffer {
  const point = character.codePointAt(0) ?? 0
  if (point < 0x80) return Buffer.of(point)
  if (point >= 0x10000) return fourBytes(SUPPLEMENTARY + point - 0x10000)
  table ??= codes()
  return table.get(character) ?? Buffer.from('?')
}

/** The number of the four-byte code of U+10000; from there on they go in order. */
const SUPPLEMENTARY = 189_000
/** Four-byte codes below U+10000. */
const BASIC = 39_420

function codes(): ReadonlyMap<string, Buffer> {
  const all: Buffer[] = []
  for (let lead = 0x81; lead <= 0xfe; lead++) {
    for (let trail = 0x40; trail <= 0xfe; trail++) if (trail !== 0x7f) all.push(Buffer.of(lead, trail))
  }
  for (let number = 0; number < BASIC; number++) all.push(fourBytes(number))
  const newLine = Buffer.from('\n')
  const texts = decodeGb18030(Buffer.concat(all.flatMap((code) => [code, newLine]))).split('\n')
  const found = new Map<string, Buffer>()
  for (const [index, code] of all.entries()) {
    const text = texts[index] ?? ''
    // A code without a character decodes to the sign for that, or to several. Of two codes the first is kept.
    if (text.length === 1 && text !== '\ufffd' && !found.has(text)) found.set(text, code)
  }
  return found
}

function fourBytes(number: number): Buffer {
  const fourth = 0x30 + (number % 10)
  const third = 0x81 + (Math.floor(number / 10) % 126)
  const second = 0x30 + (Math.floor(number / 1260) % 10)
  return Buffer.of(0x81 + Math.floor(number / 12_600), second, third, fourth)
}

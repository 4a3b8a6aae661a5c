/**
 * The text of a member of a JSON object exactly as it was sent. Signatures hold over that: parsing and writing it again
 * changes `1.0`, escaped letters, integers above 2^53 and the order of keys that look like integers.
 * Undefined when the object has no such member, or has it twice: one could be verified and the other believed.
 * @param text is known to be valid JSON
 */
export function rawMember(text: string, name: string): string | undefined {
  let at = skipSpace(text, 0)
  if (text[at] !== '{') return undefined
  at = skipSpace(text, at + 1)
  let found: string | undefined
  while (text[at] === '"') {
    const keyEnd = endOfString(text, at)
    // An escaped key is the same key.
    const key: unknown = JSON.parse(text.slice(at, keyEnd))
    const from = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const to = endOfValue(text, from)
    if (key === name) {
      if (found !== undefined) return undefined
      found = text.slice(from, to)
    }
    at = skipSpace(text, to)
    if (text[at] !== ',') break
    at = skipSpace(text, at + 1)
  }
  return found
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return at
}

/** Behind the closing quote of the string that begins here. */
function endOfString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/** Behind the value that begins here: brackets outside of strings are counted, nothing is called again. */
function endOfValue(text: string, from: number): number {
  let at = from
  let depth = 0
  while (at < text.length) {
    const sign = text[at]
    if (sign === '"') {
      at = endOfString(text, at)
      if (depth === 0) return at
      continue
    }
    if (sign === '{' || sign === '[') depth++
    else if (sign === '}' || sign === ']') {
      if (depth === 0) return trimmedEnd(text, from, at)
      if (--depth === 0) return at + 1
    } else if (sign === ',' && depth === 0) return trimmedEnd(text, from, at)
    at++
  }
  return at
}

/** A number or word ends before the space behind it. */
function trimmedEnd(text: string, from: number, to: number): number {
  return from + text.slice(from, to).trimEnd().length
}

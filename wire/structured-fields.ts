/** Structured field values (RFC 8941), as far as signatures, digests and uploads need them: no decimals, no dates. */

/** A token stands without quotes: `sha-256=token`. */
export interface Token {
  readonly token: string
}

export type BareItem = string | number | boolean | Uint8Array | Token

export interface Item {
  readonly value: BareItem
  readonly params: ReadonlyMap<string, BareItem>
}

export interface InnerList {
  readonly items: readonly Item[]
  readonly params: ReadonlyMap<string, BareItem>
}

export type Member = Item | InnerList

export const isInnerList = (member: Member): member is InnerList => 'items' in member

/** A header that is longer, or holds more, is an attack and not a signature. */
const LONGEST_TEXT = 4096
const MOST_MEMBERS = 32

const KEY = /[a-z*][a-z0-9_\-.*]*/y
const TOKEN = /[A-Za-z*][!#$%&'*+\-.^_`|~:/0-9A-Za-z]*/y
const STRING = /"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y
const INTEGER = /-?\d{1,15}(?![\d.])/y
const BYTES = /:((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?):/y
const BOOLEAN = /\?([01])/y
const SPACES = / */y
const COMMA = /[ \t]*,[ \t]*/y

/**
 * A dictionary such as `sig1=("@method");created=1`, or undefined when the text is not one.
 * A key that stands twice is refused: the RFC lets the last one win, and two readers may then see two things.
 */
export function parseDictionary(text: string): ReadonlyMap<string, Member> | undefined {
  if (text.length > LONGEST_TEXT) return undefined
  const reader = new Reader(text.trim())
  const members = new Map<string, Member>()
  while (!reader.atEnd) {
    if (members.size > 0 && reader.take(COMMA) === undefined) return undefined
    const key = reader.take(KEY)?.[0]
    if (key === undefined || members.has(key) || members.size >= MOST_MEMBERS) return undefined
    const member = reader.skip('=') ? reader.member() : reader.withParams(true)
    if (!member) return undefined
    members.set(key, member)
  }
  return members
}

/** One item such as `"gw-001:01J9"`, `?1` or `100`, without its parameters; undefined when the text is not one. */
export function parseItem(text: string): BareItem | undefined {
  if (text.length > LONGEST_TEXT) return undefined
  const reader = new Reader(text.trim())
  const item = reader.item()
  return item && reader.atEnd ? item.value : undefined
}

/** @throws RangeError for what a structured string cannot hold: anything but printable ASCII. */
export function serializeString(value: string): string {
  if (!/^[\x20-\x7e]*$/.test(value)) throw new RangeError('a structured string holds printable ASCII only')
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}

export const serializeBytes = (value: Uint8Array): string => `:${Buffer.from(value).toString('base64')}:`

export function serializeInnerList(list: InnerList): string {
  const items = list.items.map((item) => serializeBare(item.value) + serializeParams(item.params))
  return `(${items.join(' ')})${serializeParams(list.params)}`
}

function serializeParams(params: ReadonlyMap<string, BareItem>): string {
  let text = ''
  for (const [key, value] of params) text += value === true ? `;${key}` : `;${key}=${serializeBare(value)}`
  return text
}

function serializeBare(value: BareItem): string {
  if (typeof value === 'string') return serializeString(value)
  if (typeof value === 'number') return String(value)
  if (typeof value === 'boolean') return value ? '?1' : '?0'
  return value instanceof Uint8Array ? serializeBytes(value) : value.token
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (!match) return undefined
    this.#at += match[0].length
    return match
  }

  skip(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  member(): Member | undefined {
    return this.skip('(') ? this.#innerList() : this.item()
  }

  item(): Item | undefined {
    const value = this.#bare()
    return value === undefined ? undefined : this.withParams(value)
  }

  withParams(value: BareItem): Item | undefined {
    const params = this.#params()
    return params && { value, params }
  }

  #innerList(): InnerList | undefined {
    const items: Item[] = []
    for (;;) {
      const spaces = this.take(SPACES)?.[0].length ?? 0
      if (this.skip(')')) break
      if ((items.length > 0 && spaces === 0) || items.length >= MOST_MEMBERS) return undefined
      const item = this.item()
      if (!item) return undefined
      items.push(item)
    }
    const params = this.#params()
    return params && { items, params }
  }

  #params(): ReadonlyMap<string, BareItem> | undefined {
    const params = new Map<string, BareItem>()
    while (this.skip(';')) {
      this.take(SPACES)
      const key = this.take(KEY)?.[0]
      if (key === undefined || params.has(key) || params.size >= MOST_MEMBERS) return undefined
      const value = this.skip('=') ? this.#bare() : true
      if (value === undefined) return undefined
      params.set(key, value)
    }
    return params
  }

  #bare(): BareItem | undefined {
    const string = this.take(STRING)
    if (string) return (string[1] ?? '').replace(/\\(["\\])/g, '$1')
    const integer = this.take(INTEGER)
    if (integer) return Number(integer[0])
    const bytes = this.take(BYTES)
    if (bytes) return Buffer.from(bytes[1] ?? '', 'base64')
    const boolean = this.take(BOOLEAN)
    if (boolean) return boolean[1] === '1'
    const token = this.take(TOKEN)
    return token && { token: token[0] }
  }
}

/** One system call of a trace made by `strace -f -yy -xx`; orders are line numbers: a smaller one was earlier. */
export interface SystemCall {
  readonly name: string
  /** What the descriptor is: a path, or `TCP:[here->there]`. */
  readonly target: string
  /** The first bytes that were read or written. */
  readonly bytes: Uint8Array
  readonly began: number
  readonly ended: number
  readonly result: number
}

const LINE = /^(\d+)\s+[\d.]+ (.*)$/
const CALL = /^(\w+)\(\d+<((?:->|[^>])*)>(.*)$/
const RESUMED = /^<\.\.\. (\w+) resumed>(.*)$/
const UNFINISHED = ' <unfinished ...>'

interface Begun {
  readonly name: string
  readonly target: string
  readonly words: string
  readonly began: number
}

/** The calls with a descriptor, in the order in which they ended; a call that another thread interrupted is put together. */
export function parseTrace(lines: Iterable<string>): SystemCall[] {
  const open = new Map<string, Begun>()
  const calls: SystemCall[] = []
  let order = 0
  for (const line of lines) {
    order++
    const [, thread = '', text = ''] = LINE.exec(line) ?? []
    const resumed = RESUMED.exec(text)
    const begun = resumed ? open.get(thread) : begin(text, order)
    if (!begun) continue
    if (text.endsWith(UNFINISHED)) {
      open.set(thread, begun)
      continue
    }
    open.delete(thread)
    const words = resumed ? begun.words + (resumed[2] ?? '') : begun.words
    calls.push({
      name: begun.name,
      target: begun.target,
      bytes: bytesOf(words),
      began: begun.began,
      ended: order,
      result: Number(/ = (-?\d+)[^=]*$/.exec(words)?.[1] ?? NaN),
    })
  }
  return calls
}

function begin(text: string, order: number): Begun | undefined {
  const found = CALL.exec(text)
  if (!found) return undefined
  const [, name = '', target = '', words = ''] = found
  return { name, target: textOf(target), words: words.replace(UNFINISHED, ''), began: order }
}

/** `\x2f\x74` as it was; what is not hexadecimal stays. */
const textOf = (escaped: string): string =>
  Buffer.from(
    escaped.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8')

/** All strings of the arguments one after the other: a gathered write has several. */
function bytesOf(words: string): Uint8Array {
  const strings = [...words.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => hex)
  return Buffer.from(strings.join('').replaceAll('\\x', ''), 'hex')
}

/** What a trace says of the acknowledgements that a broker gave. */
export interface Durable {
  readonly seen: number
  /** Between the read of its message and it, the write-ahead log was synced by a call that began and ended there. */
  readonly durable: number
}

/**
 * Each connection has one message in flight, so the acknowledgement belongs to the message read last.
 * @param port the broker's
 */
export function durableAcknowledgements(calls: readonly SystemCall[], port: number): Durable {
  const syncs = calls.filter(
    ({ name, target, result }) =>
      (name === 'fsync' || name === 'fdatasync') && target.endsWith('-wal') && result === 0,
  )
  const readAt = new Map<string, number>()
  let seen = 0
  let durable = 0
  for (const call of calls) {
    if (!call.target.includes(`:${port}->`) && !call.target.includes(`:${port}]->`)) continue
    const isRead = call.name.startsWith('re')
    if (isRead && isPublish(call.bytes)) readAt.set(call.target, call.ended)
    const read = readAt.get(call.target)
    if (isRead || !isPuback(call.bytes)) continue
    seen++
    readAt.delete(call.target)
    if (read !== undefined && syncs.some(({ began, ended }) => began > read && ended < call.began)) durable++
  }
  return { seen, durable }
}

const isPublish = (bytes: Uint8Array): boolean => ((bytes[0] ?? 0) & 0xf0) === 0x30

const isPuback = (bytes: Uint8Array): boolean => bytes[0] === 0x40 && bytes[1] === 2

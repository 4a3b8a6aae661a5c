import { decodeReply, decodeRtu, type ReadRequest } from '../../wire/modbus.ts'

/** What a line brought after one request, up to the silence behind it. */
export type HeardBytes =
  | { readonly is: 'nothing' }
  | { readonly is: 'data'; readonly data: Uint8Array }
  | { readonly is: 'exception' }
  /** A reply, and more behind or before it: somebody else answered too. */
  | { readonly is: 'several'; readonly data: Uint8Array | undefined }
  /** Bytes, and no frame of the unit among them. */
  | { readonly is: 'garbage'; readonly bytes: Uint8Array }

/** Adapters that switch direction give a byte or two of their own. */
const MOST_GLITCH = 2
const SHORTEST_REPLY = 5

/** Judges all that came, and not only the reply in it: what is wrong with a line shows in the rest. */
export function judgeHeard(
  heard: Uint8Array,
  asked: { readonly unit: number; readonly request: ReadRequest; readonly frame: Uint8Array },
): HeardBytes {
  const bytes = startsWith(heard, asked.frame) ? heard.subarray(asked.frame.length) : heard
  if (bytes.length === 0) return { is: 'nothing' }
  const found = framesOf(bytes, asked.unit, asked.request)
  const [first] = found
  if (!first) return bytes.length <= MOST_GLITCH ? { is: 'nothing' } : { is: 'garbage', bytes }
  const rest = bytes.length - (first.to - first.from)
  const data = first.data
  if (found.length > 1 || rest > 2 * MOST_GLITCH) return { is: 'several', data }
  return data ? { is: 'data', data } : { is: 'exception' }
}

interface Found {
  readonly from: number
  readonly to: number
  /** Undefined: an exception. */
  readonly data: Uint8Array | undefined
}

function framesOf(bytes: Uint8Array, unit: number, request: ReadRequest): readonly Found[] {
  const bits = request.function <= 2
  const length = 5 + (bits ? Math.ceil(request.count / 8) : 2 * request.count)
  const found: Found[] = []
  for (let from = 0; from + SHORTEST_REPLY <= bytes.length;) {
    const to = from + (bytes[from + 1] === (request.function | 0x80) ? SHORTEST_REPLY : length)
    const frame = bytes[from] === unit && to <= bytes.length ? decodeRtu(bytes.slice(from, to)) : undefined
    const reply = frame && decodeReply(frame.pdu, request)
    if (reply?.is === 'data') found.push({ from, to, data: reply.data })
    else if (reply?.is === 'exception') found.push({ from, to, data: undefined })
    else {
      from++
      continue
    }
    from = to
  }
  return found
}

const startsWith = (bytes: Uint8Array, head: Uint8Array): boolean =>
  bytes.length >= head.length && head.every((byte, index) => bytes[index] === byte)

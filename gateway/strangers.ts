import { isoTime, type Clock, type Instant } from '../base/clock.ts'
import type { Stranger } from './ports.ts'

const MOST_STRANGERS = 500
const LONGEST_EXAMPLE = 500
const LONGEST_TEXT = 128
/** What a device of another make may call a secret or a card, as a key of JSON with its value. */
const SECRETS =
  /("[^"\\]{0,40}(?:pass|secret|token|psk|key|auth|credential|card|uid|wiegand|qr)[^"\\]{0,40}"\s{0,3}:\s{0,3})(?:"(?:[^"\\]|\\.)*"?|[\d.]+)/gi

export interface SeenStranger extends Stranger {
  readonly count: number
  readonly firstAt: string
  readonly lastAt: string
}

interface Entry {
  stranger: Stranger
  count: number
  readonly firstAt: Instant
  lastAt: Instant
}

/** Devices that spoke but are in no site, in memory: the newest stay, nothing secret is kept. */
export class Strangers {
  readonly #clock: Clock
  /** The one that was seen longest ago comes first. */
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  saw(stranger: Stranger): void {
    const now = this.#clock.now()
    const seen = withoutSecrets(stranger)
    const key = [seen.transport, seen.account ?? '', seen.address].join('\n')
    const known = this.#entries.get(key)
    this.#entries.delete(key)
    this.#entries.set(key, {
      // What its bridge knows of it stays, though its own messages do not say it.
      stranger: { ...known?.stranger, ...seen },
      count: (known?.count ?? 0) + 1,
      firstAt: known?.firstAt ?? now,
      lastAt: now,
    })
    if (this.#entries.size <= MOST_STRANGERS) return
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }

  /** The newest first. */
  list(): readonly SeenStranger[] {
    return [...this.#entries.values()]
      .map(({ stranger, count, firstAt, lastAt }) => ({
        ...stranger,
        count,
        firstAt: isoTime(firstAt),
        lastAt: isoTime(lastAt),
      }))
      .reverse()
  }
}

function withoutSecrets({ transport, account, address, codec, vendor, model, example }: Stranger): Stranger {
  return {
    transport,
    address: short(address),
    ...(account !== undefined && { account: short(account) }),
    ...(codec !== undefined && { codec }),
    ...(vendor !== undefined && { vendor: short(vendor) }),
    ...(model !== undefined && { model: short(model) }),
    // Cut twice: nobody's regular expression walks a megabyte.
    example: plain(example.slice(0, 8 * LONGEST_EXAMPLE).replaceAll(SECRETS, '$1"…"')).slice(
      0,
      LONGEST_EXAMPLE,
    ),
  }
}

const short = (text: string): string => plain(text).slice(0, LONGEST_TEXT)

/** Without characters that a terminal would obey. */
const plain = (text: string): string => text.replaceAll(/\p{Cc}/gu, ' ')

import { hash } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { pause, type Clock, type Duration } from '../../base/clock.ts'
import { checker } from '../../base/schema.ts'
import { DeliveryResults, limits, StageFeed, type DeliveryResult } from '../../gateway/contract.ts'
import type {
  Away,
  Connector,
  ConnectorContext,
  ConnectorPlug,
  Delivery,
  DeliveryAnswer,
  ProofFile,
} from '../../gateway/ports.ts'
import type { StageMove } from '../../gateway/stage.ts'
import { SecretRef, Span } from '../../gateway/words.ts'
import { contentDigestOf } from '../../wire/content-digest.ts'
import { eventId, eventText } from '../case-event.ts'
import { uploadProof } from '../proof-upload.ts'
import { detailOf, isAway, nonsense, SignedHttp, type Reply } from '../signed-http.ts'

const HttpSettings = Type.Object(
  {
    url: Type.String({
      pattern: '^https?://[^\\s/@?#]+(/[^\\s@?#]*)?$',
      maxLength: 300,
      description: 'where the platform takes cases, such as https://platform.example/v1',
    }),
    batch: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limits.batch,
        description: 'revisions in one request; default 100',
      }),
    ),
    timeout: Type.Optional(
      Type.String({ ...Span, description: 'how long one request may take; default 10 s' }),
    ),
    wait: Type.Optional(
      Type.String({
        ...Span,
        description: 'how long the platform may hold a question for stages; default 25 s',
      }),
    ),
    ca: Type.Optional(
      Type.String({
        ...SecretRef,
        description: 'PEM of the authority that signed the platform’s certificate',
      }),
    ),
  },
  { additionalProperties: false },
)

/** Cases to a platform by the contract of docs/platform: signed CloudEvents, proof by hash, stages by long poll. */
const plug: ConnectorPlug = {
  kind: 'http',
  settings: HttpSettings,
  create: (context) => new HttpConnector(context),
}
export default plug

/** Between two questions for stages that found none. */
const SHORTEST_POLL: Duration = 1000

const checkResults = checker(DeliveryResults)
const checkFeed = checker(StageFeed)

class HttpConnector implements Connector {
  readonly name: string
  readonly #boxId: string
  readonly #batch: number
  readonly #wait: Duration
  readonly #clock: Clock
  readonly #http: SignedHttp

  constructor(context: ConnectorContext) {
    const { id, boxId, clock } = context
    const { url, batch, timeout, wait, ca } = context.settings as Static<typeof HttpSettings> // checked at load by the plug's schema
    this.name = id
    this.#boxId = boxId
    this.#clock = clock
    this.#batch = batch ?? 100
    this.#wait = parseDuration(wait ?? '25 s')
    this.#http = new SignedHttp({
      url,
      boxId,
      clock,
      sign: (base) => context.sign(base),
      timeout: parseDuration(timeout ?? '10 s'),
      ca: ca === undefined ? undefined : context.secret(ca),
      peerTime: context.peerTime,
    })
  }

  async send(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly DeliveryAnswer[] | Away> {
    const answers: DeliveryAnswer[] = []
    for (const part of this.#parts(batch)) {
      const got = await this.#post(part, signal)
      if (!isAway(got)) {
        answers.push(...got)
        continue
      }
      if (answers.length === 0) return got
      // What was answered before stays answered; the rest is asked again, and then meets the platform away.
      return fillUp(answers, batch.length, got.reason)
    }
    return answers
  }

  async sendProof(file: ProofFile, signal: AbortSignal): Promise<DeliveryAnswer | Away> {
    return uploadProof(this.#http, file, signal)
  }

  async stages(
    cursor: string,
    signal: AbortSignal,
  ): Promise<{ readonly moves: readonly StageMove[]; readonly cursor: string } | Away> {
    const askedAt = this.#clock.ticks()
    const waitS = Math.round(this.#wait / 1000)
    const query = `?after=${encodeURIComponent(cursor)}&wait=${waitS}`
    const reply = await this.#http.ask({ method: 'GET', path: '/stages', query, mayTake: this.#wait }, signal)
    if (isAway(reply)) return reply
    if (reply.status !== 200) return unexpected(reply)
    const feed = checkFeed(parsed(reply))
    if (feed.ok && feed.value.moves.length === 0) {
      // A platform that does not hold the question is not asked in a circle.
      const soon = SHORTEST_POLL - (this.#clock.ticks() - askedAt)
      if (soon > 0) await pause(this.#clock, soon, signal).catch(() => undefined)
    }
    if (feed.ok) return feed.value
    return nonsense(`/stages${feed.complaints[0]?.path ?? ''}: ${feed.complaints[0]?.text ?? ''}`)
  }

  async close(): Promise<void> {
    await this.#http.close()
  }

  /** Requests of at most so many events and bytes; an event that is too large alone goes alone. */
  *#parts(batch: readonly Delivery[]): Generator<readonly Event[]> {
    let part: Event[] = []
    let bytes = 0
    for (const delivery of batch) {
      const event = { id: eventId(delivery), text: eventText(delivery, this.#boxId) }
      // A UTF-16 unit is three bytes of UTF-8 at most.
      const atMost = event.text.length * 3 + 1
      if (part.length > 0 && (part.length >= this.#batch || bytes + atMost > limits.casesBytes)) {
        yield part
        part = []
        bytes = 0
      }
      part.push(event)
      bytes += atMost
    }
    if (part.length > 0) yield part
  }

  async #post(events: readonly Event[], signal: AbortSignal): Promise<readonly DeliveryAnswer[] | Away> {
    const reply = await this.#ask(events, signal)
    if (isAway(reply)) return reply
    switch (reply.status) {
      case 200:
        return answersOf(events, reply)
      case 400:
      case 413:
      case 422:
        if (events.length > 1) return this.#postSingly(events, signal)
        return [{ is: 'refused', reason: `the platform answered ${reply.status}${detailOf(reply)}` }]
      case 409:
        // The same request is still under way there, by a connection that broke here.
        return { is: 'away', reason: 'the platform is still at work on the same request', waitMs: 1000 }
      default:
        return unexpected(reply)
    }
  }

  /** One poisoned event must not hold up the others. */
  async #postSingly(
    events: readonly Event[],
    signal: AbortSignal,
  ): Promise<readonly DeliveryAnswer[] | Away> {
    const answers: DeliveryAnswer[] = []
    for (const event of events) {
      const got = await this.#post([event], signal)
      if (isAway(got)) return answers.length === 0 ? got : fillUp(answers, events.length, got.reason)
      answers.push(...got)
    }
    return answers
  }

  #ask(events: readonly Event[], signal: AbortSignal): Promise<Reply | Away> {
    const [first] = events
    const isBatch = events.length > 1
    const texts = events.map(({ text }) => text).join(',')
    const bytes = Buffer.from(isBatch ? `[${texts}]` : texts)
    const sha256 = hash('sha256', bytes)
    return this.#http.ask(
      {
        method: 'POST',
        path: '/cases',
        headers: {
          'content-type': `application/cloudevents${isBatch ? '-batch' : ''}+json`,
          // Made of the content: the same events sent again have the same key, others never.
          'idempotency-key': `"${this.#boxId}:${first?.id ?? ''}:${sha256.slice(0, 32)}"`,
        },
        covers: ['idempotency-key'],
        body: { bytes, digest: contentDigestOf(sha256) },
      },
      signal,
    )
  }
}

interface Event {
  readonly id: string
  readonly text: string
}

function answersOf(events: readonly Event[], reply: Reply): readonly DeliveryAnswer[] | Away {
  const checked = checkResults(parsed(reply))
  if (!checked.ok) {
    return nonsense(`/cases${checked.complaints[0]?.path ?? ''}: ${checked.complaints[0]?.text ?? ''}`)
  }
  const { results } = checked.value
  if (results.length !== events.length || results.some(({ id }, index) => id !== events[index]?.id)) {
    return nonsense(`/cases: wanted one result for each of ${events.length} events, in order`)
  }
  return results.map(toAnswer)
}

function toAnswer({ status, reason }: DeliveryResult): DeliveryAnswer {
  if (status === 'taken') return { is: 'taken' }
  return { is: status, reason: reason ?? 'the platform gave no reason' }
}

function fillUp(
  answers: readonly DeliveryAnswer[],
  length: number,
  reason: string,
): readonly DeliveryAnswer[] {
  const rest = Array.from({ length: length - answers.length }, () => ({ is: 'later', reason }) as const)
  return [...answers, ...rest]
}

const unexpected = (reply: Reply): Away =>
  nonsense(`it answered ${reply.status}, which is outside the contract${detailOf(reply)}`)

/** Undefined obeys no schema, so text that is no JSON is nonsense like any other. */
function parsed({ text }: Reply): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

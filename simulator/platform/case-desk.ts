import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import { parseItem } from '../../wire/structured-fields.ts'
import { json, problem, type Answer } from './answer.ts'
import type { CaseBook } from './case-book.ts'
import type { CaseEvent, ReceivedRevision } from './received.ts'

const MOST_EVENTS = 200
const MOST_KEYS = 2000

interface Kept {
  readonly bodyHash: string
  readonly answer: Answer
}

type Fields = Readonly<Record<string, string | readonly string[] | undefined>>

/** What was answered, and the revisions that the answer says are taken. */
export interface DeskAnswer {
  readonly answer: Answer
  readonly taken: readonly { answeredAt: number | undefined }[]
  readonly events: number
  readonly refused: number
}

/** Where cases are handed in: schema, sender and idempotency are checked here, and answered event by event. */
export class CaseDesk {
  readonly #book: CaseBook
  readonly #isEvent: ValidateFunction
  readonly #ajv: Ajv
  readonly #kept = new Map<string, Kept>()

  /** @param schemas the folder of the published contract. */
  constructor(book: CaseBook, schemas: string) {
    this.#book = book
    this.#ajv = new Ajv({ strict: false, validateFormats: false })
    const schema: unknown = JSON.parse(readFileSync(join(schemas, 'event.schema.json'), 'utf8'))
    this.#isEvent = this.#ajv.compile(closed(schema) as object) // the published file is an object
  }

  take(boxId: string, fields: Fields, body: Buffer): DeskAnswer {
    const idempotencyKey = keyOf(fields['idempotency-key'])
    if (idempotencyKey === undefined) return only(problem(400, 'wanted an Idempotency-Key'))
    const claim = `${boxId} ${idempotencyKey}`
    const bodyHash = hash('sha256', body)
    const kept = this.#kept.get(claim)
    if (kept && kept.bodyHash !== bodyHash) {
      return only(problem(422, 'this Idempotency-Key came with another body before'))
    }
    const events = eventsOf(fields['content-type'], body)
    if (!Array.isArray(events)) return only(events)
    // Asked again, a kept answer is given again; the revisions are counted as repeats all the same.
    const judged = events.map((event) => this.#judge(boxId, event))
    const answer = kept?.answer ?? json({ results: judged.map(({ result }) => result) })
    this.#keep(claim, { bodyHash, answer })
    return {
      answer,
      taken: judged.flatMap(({ received }) => (received ? [received] : [])),
      events: events.length,
      refused: judged.filter(({ received }) => !received).length,
    }
  }

  #judge(boxId: string, event: unknown): { result: object; received?: { answeredAt: number | undefined } } {
    const refused = (reason: string): { result: object } => ({
      result: { id: idOf(event), status: 'refused', reason: reason.slice(0, 500) },
    })
    if (!this.#isEvent(event)) return refused(this.#ajv.errorsText(this.#isEvent.errors))
    const { id, source, data } = event as CaseEvent // by the line above
    if (data.boxId !== boxId || source !== `/ganglion/${boxId}`) {
      return refused('the event speaks for another box than the one that signed')
    }
    if (id !== `${data.key}:${data.revision}`) return refused('the id is not key:revision of the case')
    const received: ReceivedRevision & { answeredAt: number | undefined } = this.#book.take(
      event as CaseEvent,
    )
    return { result: { id, status: 'taken' }, received }
  }

  #keep(claim: string, kept: Kept): void {
    this.#kept.set(claim, kept)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEYS) return
      this.#kept.delete(oldest)
    }
  }
}

const only = (answer: Answer): DeskAnswer => ({ answer, taken: [], events: 0, refused: 0 })

/** A structured string; bare text is taken too, as the draft of Idempotency-Key advises. */
function keyOf(header: Fields[string]): string | undefined {
  if (typeof header !== 'string' || header.length > 200) return undefined
  const item = parseItem(header)
  return typeof item === 'string' ? item : header
}

function eventsOf(type: Fields[string], body: Buffer): unknown[] | Answer {
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch {
    return problem(400, 'the body is not JSON')
  }
  if (type === 'application/cloudevents+json') return [value]
  if (type !== 'application/cloudevents-batch+json') {
    return problem(415, 'wanted application/cloudevents+json or application/cloudevents-batch+json')
  }
  if (!Array.isArray(value) || value.length === 0) return problem(400, 'wanted an array of events')
  return value.length > MOST_EVENTS ? problem(413, `wanted at most ${MOST_EVENTS} events`) : value
}

function idOf(event: unknown): string {
  const id = typeof event === 'object' && event !== null && 'id' in event ? event.id : undefined
  return typeof id === 'string' ? id.slice(0, 80) : ''
}

/** The published schema lets a case gain fields; in here, where both ends are one version, a field too many is a mistake. */
function closed(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema
  if (Array.isArray(schema)) return schema.map(closed)
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  return 'properties' in inner && inner['type'] === 'object'
    ? { ...inner, additionalProperties: false }
    : inner
}

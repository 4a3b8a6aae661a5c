import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { SignJWT } from 'jose'
import { parse, stringify } from 'yaml'
import { dial, until, type BoxProcess, type Entry, type TestBox } from './box-rig.ts'

/** What tests of doors share: a platform that signs codes, a reader that asks. */

/** RFC 8032 §7.1, test 1: the key of the published vectors. */
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
const PKCS8_HEAD = '302e020100300506032b657004220420'

export const issuerKey: KeyObject = createPrivateKey({
  key: Buffer.from(PKCS8_HEAD + SEED, 'hex'),
  format: 'der',
  type: 'pkcs8',
})

export const issuerJwk = createPublicKey(issuerKey).export({ format: 'jwk' })

export interface CodeWish {
  readonly audience: string
  readonly jti: string
  readonly subject?: string
  /** Seconds from now. */
  readonly from?: number
  readonly until?: number
  readonly key?: KeyObject
  readonly kid?: string
}

/** A QR code as the platform makes it for one door. */
export function codeFor(wish: CodeWish, nowMs = Date.now()): Promise<string> {
  const now = Math.floor(nowMs / 1000)
  return new SignJWT({})
    .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid: wish.kid ?? 'd1' })
    .setSubject(wish.subject ?? 'R0302')
    .setAudience(wish.audience)
    .setNotBefore(now + (wish.from ?? -5))
    .setExpirationTime(now + (wish.until ?? 60))
    .setJti(wish.jti)
    .sign(wish.key ?? issuerKey)
}

/** Adds to box.yaml before the box is started. */
export function changeBox(box: TestBox, change: object): void {
  const file = join(box.folder, 'box.yaml')
  const before = parse(readFileSync(file, 'utf8')) as object // a mapping, written by the rig
  writeFileSync(file, stringify({ ...before, ...change }))
}

export const reader = (id: string): Entry => ({ id, profile: 'door-reader', via: { mqtt: {} } })

export interface Answer {
  readonly answer: string
  readonly granted: boolean
  readonly reason?: string
}

export interface Reader {
  /** All that it was told. */
  readonly told: readonly Answer[]
  /** Shows something and waits for the first answer. */
  ask(shown: Readonly<Record<string, unknown>>): Promise<Answer>
  /** Says it as it stands, without waiting. */
  say(payload: string | object, qos?: 0 | 1, retain?: boolean): Promise<unknown>
}

export async function dialReader(t: TestContext, box: TestBox, id: string): Promise<Reader> {
  const { client } = await dial(t, box, id)
  const told: Answer[] = []
  client.on('message', (_topic, payload) => told.push(JSON.parse(payload.toString()) as Answer)) // sent by the box
  await client.subscribeAsync(`ganglion/shed/${id}/down`, { qos: 0 })
  let asks = 0
  const say: Reader['say'] = (payload, qos = 0, retain = false) =>
    client.publishAsync(
      `ganglion/shed/${id}/up`,
      typeof payload === 'string' ? payload : JSON.stringify(payload),
      { qos, retain },
    )
  return {
    told,
    say,
    async ask(shown) {
      const ask = `${id}-ask-${++asks}-${Date.now().toString(36)}`
      await say({ ask, ...shown })
      await until(`an answer to ${ask}`, () => told.some(({ answer }) => answer === ask))
      return told.find(({ answer }) => answer === ask) as Answer // it came, by the line above
    },
  }
}

export interface Called {
  readonly status: number
  readonly body: unknown
}

export async function call(
  gateway: BoxProcess,
  path: string,
  { method = 'GET', body }: { readonly method?: string; readonly body?: unknown } = {},
): Promise<Called> {
  const answer = await fetch(`http://127.0.0.1:${gateway.box.ports.api}${path}`, {
    method,
    headers: { authorization: `Bearer ${gateway.token()}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: answer.status, body: await answer.json() }
}

/** The last readings of a device, by `part/quantity`. */
export async function readings(gateway: BoxProcess, id: string): Promise<Readonly<Record<string, unknown>>> {
  const { body } = await call(gateway, `/api/devices/${id}/readings`)
  const all = body as readonly { part: string; quantity: string; value: unknown }[] // our own API
  return Object.fromEntries(
    all.map(({ part, quantity, value }) => [part === '' ? quantity : `${part}/${quantity}`, value]),
  )
}

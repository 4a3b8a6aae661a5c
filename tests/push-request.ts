import { createHash, createHmac } from 'node:crypto'
import type { OpenForm, PushForm, PushRequest, PushSaid } from '../device-drivers/push/form.ts'

/** A request as the transport hands it to a form. */
export function pushRequest(given: {
  readonly body?: string | Uint8Array | object
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: string
  readonly below?: string
  readonly method?: 'GET' | 'POST'
}): PushRequest {
  const { body = '', headers = {}, query = '', below = '', method = 'POST' } = given
  const isBytes = typeof body === 'string' || body instanceof Uint8Array
  return {
    method,
    below,
    query,
    header: (name) => headers[name],
    body: Buffer.from(isBytes ? body : JSON.stringify(body)),
  }
}

/** The form with each secret being its reference's name: `file:abc` is `abc`. */
export const openForm = (form: PushForm, settings: Readonly<Record<string, string>>): OpenForm =>
  form.open(settings, (reference) => reference.slice(reference.indexOf(':') + 1))

/** What was said, for forms that were asked for messages. */
export function saidIn(form: OpenForm, request: PushRequest): readonly PushSaid[] {
  const read = form.read(request)
  if (read.is !== 'messages') throw new Error(`wanted messages; got ${read.is}`)
  return read.said
}

export const onenetSignature = (token: string, nonce: string, msg: string): string =>
  createHash('md5').update(`${token}${nonce}${msg}`).digest('base64')

/** Headers of Tencent's rule engine. */
export function tencentHeaders(token: string, seconds: number, nonce: string): Record<string, string> {
  const signed = [token, String(seconds), nonce].sort((a, b) => (a < b ? -1 : 1)).join('')
  const signature = createHash('sha1').update(signed).digest('hex')
  return { signature, timestamp: String(seconds), nonce }
}

/** Headers as Standard Webhooks 1.0.0 has them. */
export function webhookHeaders(
  key: string,
  { id, seconds, body }: { readonly id: string; readonly seconds: number; readonly body: string },
): Record<string, string> {
  const mac = createHmac('sha256', Buffer.from(key, 'base64')).update(`${id}.${seconds}.${body}`)
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${mac.digest('base64')}`,
  }
}

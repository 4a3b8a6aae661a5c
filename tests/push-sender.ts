import { once } from 'node:events'
import { request, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'

/** Clouds as tests play them: one request each on a connection of its own. */

export interface Answered {
  readonly status: number
  readonly text: string
  readonly headers: IncomingHttpHeaders
}

export interface Sent {
  readonly path: string
  readonly method?: string
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

export function send(port: number, { path, method = 'POST', body, headers = {} }: Sent): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        headers: { 'content-type': 'application/json', ...headers },
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString(),
            headers: response.headers,
          }),
        )
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
}

/** Bytes as they are; all that comes back until the other side closes. */
export async function sendRaw(port: number, ...chunks: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  const got: Buffer[] = []
  socket.on('data', (chunk: Buffer) => got.push(chunk))
  for (const chunk of chunks) socket.write(chunk)
  if (!socket.closed) await once(socket, 'close')
  return Buffer.concat(got).toString('latin1')
}

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { hostMs } from './host-time.ts'

/** What the bare script and the peers post to: it notes when each change was answered, and checks nothing. */
export interface Receipt {
  readonly device: string
  readonly revision: number
  readonly answeredAt: number
}

export type ToReceiver = { readonly is: 'ask' } | { readonly is: 'stop' }

export type FromReceiver =
  | { readonly is: 'listening'; readonly port: number }
  | { readonly is: 'receipts'; readonly receipts: readonly Receipt[] }

interface Change {
  readonly device: string
  readonly revision?: number
}

if (import.meta.main) {
  const receipts: Receipt[] = []
  const counts = new Map<string, number>()
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const posted = JSON.parse(body) as Change | readonly Change[] // from a peer of this bench
      response.end('{}')
      const answeredAt = hostMs()
      for (const { device, revision } of Array.isArray(posted) ? (posted as Change[]) : [posted as Change]) {
        // A flow that does not number its alarms posts raises alone: the n-th is revision 2n - 1.
        const count = (counts.get(device) ?? 0) + 1
        counts.set(device, count)
        receipts.push({ device, revision: revision ?? 2 * count - 1, answeredAt })
      }
    })
  })
  server.listen(0, '127.0.0.1', () => {
    process.send?.({ is: 'listening', port: (server.address() as AddressInfo).port }) // it listens on TCP
  })
  process.on('message', (message: ToReceiver) => {
    if (message.is === 'stop') process.exit()
    process.send?.({ is: 'receipts', receipts })
  })
  process.on('disconnect', () => process.exit())
}

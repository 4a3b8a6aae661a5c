import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { Aedes, type AedesPublishPacket, type Client } from 'aedes'
import { systemClock } from '../../base/clock.ts'
import type { Endpoint } from '../fault-proxy.ts'
import { seededRandom } from '../random.ts'
import type { DeviceContext } from './device.ts'

/** What the tests of the devices share: the other end of each wire, without a gateway. */

/** Reports come from changes alone unless a test asks for more. */
export const contextFor = (endpoint: Endpoint, reportsEvery = 3_600_000): DeviceContext => ({
  clock: systemClock,
  random: seededRandom(1),
  reportsEvery,
  endpoint,
})

export interface Heard {
  readonly account: string | undefined
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
}

export interface TryBroker {
  readonly endpoint: Endpoint
  readonly heard: readonly Heard[]
  /** Waits until something was heard that fits. */
  until(fits: (heard: Heard) => boolean): Promise<Heard>
  /** Ends the connection of an account. */
  drop(account: string): void
}

/** A bare broker that lets everyone in who has the password `right`. */
export async function tryBroker(t: TestContext): Promise<TryBroker> {
  const aedes = await Aedes.createBroker()
  const server = createServer((socket) => aedes.handle(socket))
  const heard: Heard[] = []
  const waiting = new Set<() => void>()
  const clients = new Map<string, Client>()
  aedes.authenticate = (_client, _user, password, done) => done(null, password?.toString() === 'right')
  aedes.on('client', (client) => clients.set(client.id, client))
  aedes.on('publish', (packet: AedesPublishPacket, client) => {
    if (!client) return
    const { topic, payload, qos, retain } = packet
    heard.push({ account: client.id, topic, payload: Buffer.from(payload), qos, retain })
    for (const look of waiting) look()
  })
  const endpoint = await listening(server)
  t.after(() => {
    server.close()
    aedes.close()
  })
  return {
    endpoint,
    heard,
    until: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = heard.find(fits)
          if (!found) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
    drop: (account) => clients.get(account)?.close(),
  }
}

export async function listening(server: ReturnType<typeof createServer>): Promise<Endpoint> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a TCP server that listens
  return { host: '127.0.0.1', port }
}

import type { Clock } from '../base/clock.ts'
import { startFaultProxy, type Endpoint, type FaultProxy, type WireFault } from './fault-proxy.ts'
import type { Random } from './random.ts'

/**
 * The wires of a run. A wire that the scenario never disturbs is a plain connection; one that it does has a
 * proxy in between, from the start, so that a fault can come at any time.
 */
export class Wires {
  readonly #clock: Clock
  readonly #random: Random
  readonly #disturbed: ReadonlySet<string>
  readonly #proxies = new Map<string, FaultProxy>()

  /** @param disturbed the wires (by name) that faults will be put on */
  constructor(clock: Clock, random: Random, disturbed: ReadonlySet<string>) {
    this.#clock = clock
    this.#random = random
    this.#disturbed = disturbed
  }

  /** Where a device dials to reach the gateway's port. */
  async dialled(wire: string, gateway: Endpoint): Promise<Endpoint> {
    if (!this.#disturbed.has(wire)) return gateway
    const listen = { host: '127.0.0.1', port: 0 }
    const proxy = await this.#start(wire, listen, gateway, 'target')
    return { host: listen.host, port: proxy.port }
  }

  /** Serves at the address that the box names: `serve` is told where to listen and answers with its port. */
  async served<T extends { readonly port: number }>(
    wire: string,
    address: Endpoint,
    serve: (endpoint: Endpoint) => Promise<T>,
  ): Promise<T> {
    if (!this.#disturbed.has(wire)) return serve(address)
    const inner = { host: '127.0.0.1', port: 0 }
    const served = await serve(inner)
    await this.#start(wire, address, { host: inner.host, port: served.port }, 'caller')
    return served
  }

  async setFault(wire: string, fault: WireFault | undefined): Promise<void> {
    await this.#proxies.get(wire)?.setFault(fault)
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.stop()))
  }

  async #start(
    wire: string,
    listen: Endpoint,
    target: Endpoint,
    gateway: 'target' | 'caller',
  ): Promise<FaultProxy> {
    const random = this.#random.fork(`wire ${wire}`)
    const proxy = await startFaultProxy({ listen, target, gateway, clock: this.#clock, random })
    this.#proxies.set(wire, proxy)
    return proxy
  }
}

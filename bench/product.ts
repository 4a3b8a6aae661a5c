import { makeBox, type BenchBox, type BoxPlan } from './box.ts'
import type { Run } from './area.ts'
import { freePorts } from './free-port.ts'
import { BenchGateway, type GatewayWish } from './gateway.ts'
import { Sender } from './load/sender.ts'
import { BenchPlatform } from './platform.ts'
import { answersOf, type Answers, type Target } from './target.ts'

const CONNECTIONS_PER_SECOND = 2000

/** The whole product with its sender and the simulator's platform, each in its own process. */
export class Product implements Target {
  readonly answersTo = 'changes'
  readonly box: BenchBox
  readonly platform: BenchPlatform
  readonly sender: Sender
  readonly #wish: GatewayWish
  #gateway: BenchGateway

  private constructor(parts: {
    readonly box: BenchBox
    readonly platform: BenchPlatform
    readonly sender: Sender
    readonly gateway: BenchGateway
    readonly wish: GatewayWish
  }) {
    this.box = parts.box
    this.platform = parts.platform
    this.sender = parts.sender
    this.#gateway = parts.gateway
    this.#wish = parts.wish
  }

  /** Everything up; nobody is connected yet. */
  static async start(run: Run, name: string, plan: BoxPlan, wish: GatewayWish = {}): Promise<Product> {
    const [api = 0, mqtt = 0, platformPort = 0] = await freePorts(3)
    const box = await makeBox(run.newFolder(name), plan, { api, mqtt, platform: platformPort })
    const platform = await BenchPlatform.start(platformPort, box.dataFolder)
    const ownWish = { nodeOptions: run.nodeOptions, ...wish }
    const gateway = await new BenchGateway(box, ownWish).ready()
    return new Product({ box, platform, sender: new Sender(), gateway, wish: ownWish })
  }

  get gateway(): BenchGateway {
    return this.#gateway
  }

  get pids(): Readonly<Record<string, number>> {
    return { gateway: this.#gateway.pid, sender: this.sender.pid, platform: this.platform.pid }
  }

  async connect(session: 'clean' | 'kept' = 'clean', perSecond = CONNECTIONS_PER_SECOND): Promise<this> {
    const { accounts, devices, ports } = this.box
    await this.sender.open({ port: ports.mqtt, accounts, devices, session, perSecond, greets: false })
    return this
  }

  /** Power off, and on again. */
  async killAndStart(): Promise<void> {
    await this.#gateway.kill()
    this.#gateway = new BenchGateway(this.box, this.#wish)
  }

  async answers(revisions: number, mostMs: number): Promise<Answers> {
    await this.platform.hasAll(revisions, mostMs)
    const received = await this.platform.received()
    return answersOf(
      this.box.places,
      received.map(({ place, revision, answeredAt }) => ({ name: place, revision, answeredAt })),
    )
  }

  async loopDelayP99(): Promise<number> {
    return (await this.#gateway.health()).loopDelay.p99
  }

  async troubles(): Promise<readonly string[]> {
    return this.#gateway.troubles()
  }

  async stop(): Promise<void> {
    await this.sender.stop()
    await this.#gateway.stop()
    await this.platform.stop()
  }
}

/** As `Product.start`, and everything is stopped in the end. */
export async function withProduct<T>(
  asked: { readonly run: Run; readonly name: string; readonly plan: BoxPlan; readonly wish?: GatewayWish },
  work: (product: Product) => Promise<T>,
): Promise<T> {
  const product = await Product.start(asked.run, asked.name, asked.plan, asked.wish)
  try {
    return await work(product)
  } finally {
    await product.stop()
  }
}

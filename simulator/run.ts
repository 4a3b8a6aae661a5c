import { join } from 'node:path'
import { pause, type Clock, type Duration, type Instant } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import type { BoxFolder } from './box-folder.ts'
import type { Arrival } from './case-line.ts'
import type { FaultName } from './faults.ts'
import { judge, type Verdict } from './judge.ts'
import { play, stepText } from './play.ts'
import { startPlatformProcess, type PlatformProcess } from './platform-process.ts'
import { platformFaults, type PlatformFault } from './platform/fault.ts'
import type { Fact } from './platform/received.ts'
import { seededRandom } from './random.ts'
import { PLATFORM, type Scenario } from './scenario.ts'
import { StageHands } from './stage-hands.ts'
import type { CaseRow, TableView } from './table.ts'
import { disturbedWires } from './wire-names.ts'
import { Wires } from './wires.ts'
import { startWorld, type World } from './world.ts'

/** Whoever watches a run: a terminal, a log, nobody. */
export interface Watch {
  /** One readable line: what happens on the time line. */
  happened?(line: string, elapsed: Duration): void
  arrived?(arrival: Arrival): void
  /** Four times a second. */
  view?(view: TableView): void
}

export interface RunOptions {
  readonly scenario: Scenario
  /** Of the gateway that runs on the scenario's box: its secrets and its key lie there. */
  readonly dataFolder: string
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly watch?: Watch
  /** Again and again until the signal; nothing is judged then. */
  readonly loop?: boolean
}

export interface RunResult {
  readonly verdict: Verdict
  readonly took: Duration
}

const READY_MS = 20_000
const VIEW_MS = 250

/**
 * Plays a scenario against a running gateway and judges what its platform received.
 * @throws GanglionError `secret-missing`, `listen-failed`, `config-invalid`; the signal's reason when aborted.
 */
export async function runScenario(options: RunOptions): Promise<RunResult> {
  const { scenario, clock, signal, watch = {} } = options
  const desk = new Desk(clock, watch)
  const random = seededRandom(scenario.seed)
  const wires = new Wires(clock, random.fork('wires'), disturbedWires(scenario.box, scenario.timeline))
  let platform: PlatformProcess | undefined
  let world: World | undefined
  let stopView: (() => void) | undefined
  try {
    const started = await Promise.allSettled([
      startPlatformOf(scenario.box, options.dataFolder, wires, (fact) => desk.take(fact)),
      startWorld({ ...options, wires }),
    ])
    if (started[0].status === 'fulfilled') platform = started[0].value
    if (started[1].status === 'fulfilled') world = started[1].value
    for (const part of started) if (part.status === 'rejected') throw part.reason
    if (!world) throw new GanglionError('listen-failed', 'the simulated world did not start')
    await everyoneReady(world, clock, signal, watch)

    const hands = new StageHands({
      box: scenario.box,
      devices: world.devices,
      wires,
      setPlatformFault: async (name) => platform?.setFault(isPlatformFault(name) ? name : undefined),
    })
    stopView = viewEvery(options, { desk, world, hands })
    const beganAt = clock.ticks()
    do {
      desk.begin()
      await play(scenario, clock, signal, async (step) => {
        watch.happened?.(stepText(step), step.at)
        await hands.act(step)
      })
    } while (options.loop === true)
    const received = platform ? await platform.cases() : []
    const cases = received.map((one) => ({ ...one, after: one.firstAt - desk.startedAt }))
    const verdict = judge(cases, scenario.want, scenario.forbid)
    return { verdict: desk.withContract(verdict), took: clock.ticks() - beganAt }
  } finally {
    stopView?.()
    await Promise.allSettled([world?.stop(), platform?.stop()])
    await wires.stop()
  }
}

async function startPlatformOf(
  box: BoxFolder,
  dataFolder: string,
  wires: Wires,
  onFact: (fact: Fact) => void,
): Promise<PlatformProcess | undefined> {
  const url = box.platform
  if (!url) return undefined
  const address = { host: url.hostname, port: Number(url.port || 80) }
  return wires.served(PLATFORM, address, ({ host, port }) =>
    startPlatformProcess(
      {
        host,
        port,
        base: url.pathname,
        keys: { [box.id]: join(dataFolder, 'keys', 'box.public.pem') },
        stepMs: STEP_MS,
      },
      onFact,
    ),
  )
}

/** How long a case stays in a stage: a whole file is walked within a scenario. */
const STEP_MS = 1000

const isPlatformFault = (name: FaultName | undefined): name is PlatformFault =>
  platformFaults.some((known) => known === name)

/** The time line begins when the gateway has heard of everyone; who is late is named and not waited for. */
async function everyoneReady(world: World, clock: Clock, signal: AbortSignal, watch: Watch): Promise<void> {
  const until = clock.ticks() + READY_MS
  for (;;) {
    const late = [...world.devices.values()].filter((device) => !device.isReady)
    if (late.length === 0) return
    if (clock.ticks() >= until) {
      watch.happened?.(`not yet with the gateway: ${late.map(({ id }) => id).join(', ')}`, 0)
      return
    }
    await pause(clock, 50, signal)
  }
}

interface Stage {
  readonly desk: Desk
  readonly world: World
  readonly hands: StageHands
}

function viewEvery({ scenario, clock, watch }: RunOptions, { desk, world, hands }: Stage): () => void {
  if (!watch?.view) return () => undefined
  let cancel: () => void
  const draw = (): void => {
    watch.view?.({
      title: `${scenario.title.zh} ${scenario.title.en}`,
      elapsed: clock.now() - desk.startedAt,
      length: scenario.length,
      devices: [...world.devices.values()].map((device) => ({
        id: device.id,
        isReady: device.isReady,
        shown: device.shown(),
        fault: hands.faultOn(device.id),
      })),
      cases: desk.rows(),
    })
    cancel = clock.after(VIEW_MS, draw)
  }
  cancel = clock.after(0, draw)
  return () => cancel()
}

/** What the platform says while the run goes on. */
class Desk {
  readonly #clock: Clock
  readonly #watch: Watch
  readonly #rows = new Map<string, CaseRow>()
  readonly #complaints: string[] = []
  #startedAt: Instant

  constructor(clock: Clock, watch: Watch) {
    this.#clock = clock
    this.#watch = watch
    this.#startedAt = clock.now()
  }

  get startedAt(): Instant {
    return this.#startedAt
  }

  begin(): void {
    this.#startedAt = this.#clock.now()
  }

  take(fact: Fact): void {
    switch (fact.is) {
      case 'arrival': {
        const { data, at, stage, proofs } = fact
        const known = this.#rows.get(data.key)
        this.#rows.set(data.key, {
          after: known?.after ?? at - this.#startedAt,
          class: data.class,
          name: data.className.zh,
          place: data.place,
          stage: known?.stage ?? stage,
          drill: data.drill,
          hasCleared: data.clearedAt !== null,
          proofs,
        })
        // The oldest row goes first: a loop runs for days.
        const [oldest] = this.#rows.keys()
        if (this.#rows.size > MOST_ROWS && oldest !== undefined) this.#rows.delete(oldest)
        this.#watch.arrived?.(fact)
        return
      }
      case 'move': {
        const row = this.#rows.get(fact.key)
        if (row) this.#rows.set(fact.key, { ...row, stage: fact.stage })
        return
      }
      case 'complaint':
        if (this.#complaints.length < MOST_COMPLAINTS) this.#complaints.push(`${fact.status}: ${fact.detail}`)
        return
      case 'proof':
    }
  }

  rows(): readonly CaseRow[] {
    return [...this.#rows.values()]
  }

  /** What the platform had to refuse is a difference too, whatever cases came. */
  withContract(verdict: Verdict): Verdict {
    const differences = this.#complaints.map((text) => `contract: the platform answered ${text}`)
    return {
      ...verdict,
      judgements: [...verdict.judgements, { name: 'contract: every request was in order', differences }],
    }
  }
}

const MOST_ROWS = 1000
const MOST_COMPLAINTS = 50

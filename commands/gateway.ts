import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseHostPort } from '../base/address.ts'
import { systemClock, isoTime, type Clock, type Instant } from '../base/clock.ts'
import { codeOf, GanglionError, isGanglionError, messageOf } from '../base/errors.ts'
import { Deliverer, ProofCarrier, type DeliverContext } from '../cloud-bridge/deliver.ts'
import { StageListener } from '../cloud-bridge/stages.ts'
import { apiToken, boxKey, readSecret, WireAccounts, writePrivate } from '../gateway/access.ts'
import { Acceptances } from '../gateway/acceptance.ts'
import { acceptanceRoutes } from '../gateway/acceptance-routes.ts'
import { makeApi } from '../gateway/api.ts'
import { CaseBook } from '../gateway/case-book.ts'
import { CONTRACT, type Case } from '../gateway/case.ts'
import { loadBox, ownSettings, type Box } from '../gateway/config.ts'
import { doorControl } from '../gateway/door/door-control.ts'
import { doorRoutes } from '../gateway/door/door-routes.ts'
import { drillRoutes } from '../gateway/drill-routes.ts'
import { drillShown } from '../gateway/drill-record.ts'
import { Drilling } from '../gateway/drilling.ts'
import { EvidenceFolder } from '../gateway/evidence.ts'
import { Health } from '../gateway/health.ts'
import { commandRoutes } from '../gateway/command-routes.ts'
import { Commanding } from '../gateway/commanding.ts'
import { Holding } from '../gateway/holding.ts'
import { LocalActions } from '../gateway/local-actions.ts'
import { History } from '../gateway/history/history.ts'
import { historyRoutes } from '../gateway/history/routes.ts'
import { LastReadings } from '../gateway/last-readings.ts'
import { LiveBox } from '../gateway/live-box.ts'
import { LivePoints, liveRoutes } from '../gateway/live-point.ts'
import { lockFolder } from '../gateway/lock.ts'
import { openLog } from '../gateway/log.ts'
import { Outbox } from '../gateway/outbox.ts'
import { OwnState } from '../gateway/own-state.ts'
import { Pipeline } from '../gateway/pipeline.ts'
import type { PictureSource, Transport } from '../gateway/ports.ts'
import { settleOldProof } from '../gateway/proof.ts'
import { SeenBefore } from '../gateway/seen-before.ts'
import { reloadRoutes } from '../gateway/reload-routes.ts'
import { ChangeDesk } from '../gateway/rule-change/change-desk.ts'
import { changeRoutes } from '../gateway/rule-change/change-routes.ts'
import { RuleDesk } from '../gateway/rule-desk.ts'
import { addRuleRoutes } from '../gateway/rule-routes.ts'
import { bindRules } from '../gateway/slots.ts'
import { mqttRows } from '../gateway/store/mqtt-rows.ts'
import { giveUp } from '../gateway/store/reserve.ts'
import { Store, type StoreOptions } from '../gateway/store/store.ts'
import { supervise, type Supervised } from '../gateway/supervise.ts'
import { Reloading } from './reloading.ts'
import type { ShippedRooms } from './rooms.ts'
import { makeSecrets } from './secrets.ts'
import { WhyDesk } from '../gateway/why-desk.ts'
import { whyRoutes } from '../gateway/why-routes.ts'
import { readVersion } from './version.ts'
import { Wires, type WireSurroundings } from './wires.ts'

export interface GatewayOptions {
  readonly box: Box
  readonly rooms: ShippedRooms
  readonly dataFolder: string
  /** Makes every wire secret that is missing into a file of mode 600: the demo and the simulator. */
  readonly makeSecrets?: boolean
  readonly store?: Pick<StoreOptions, 'sync' | 'commitDelayMs'>
  readonly clock?: Clock
  readonly onCase?: (stored: Case) => void
}

export interface Gateway {
  readonly url: string
  readonly health: () => object
  stop(): Promise<void>
}

const STOP_MS = 3000
/** What a connector or the supervisor says when something does not work. */
const troubleWords: ReadonlySet<string> = new Set(['away', 'failed', 'ended'])
const LOOP_RESOLUTION_MS = 10
/** So many of the newest are shown in health. */
const LAST_CHANGES = 5

/**
 * Wires the parts of a gateway and runs them.
 * @throws GanglionError `store-locked`, `store-newer`, `store-failed`, `listen-failed`, `secret-missing`
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { rooms, dataFolder } = options
  const box = new LiveBox(options.box)
  const clock = options.clock ?? systemClock
  const stops: (() => Promise<void> | void)[] = []
  const stop = async (): Promise<void> => {
    for (const undo of stops.reverse()) await undo()
    stops.length = 0
  }
  try {
    const store = await openFolder(dataFolder, options.store, stops)
    const opened = openLog(dataFolder, clock)
    stops.push(() => opened.close())
    const health = new Health(clock, opened.log)
    stops.push(() => health.stop())
    const accounts = new WireAccounts(store, clock)
    if (options.makeSecrets === true) await makeSecrets(box, dataFolder, accounts)
    const key = boxKey(dataFolder)
    const evidence = new EvidenceFolder(join(dataFolder, 'evidence'))
    const outboxes = box.file.connectors.map(({ id }) => new Outbox(id, store, clock))
    for (const outbox of outboxes) outbox.load((sha256) => evidence.pathOf(sha256))
    const cases = new CaseBook({ boxId: box.id, clock, store, catalogue: box.catalogue, outboxes })
    const history = new History({
      store,
      clock,
      folder: dataFolder,
      ...(box.file.history && { keep: box.file.history }),
      trouble: (what, example) => health.trouble(what, example),
    })
    stops.push(() => history.close())
    const lastReadings = new LastReadings(store, clock, box.devices.values(), () => history.movedTo)
    stops.push(() => lastReadings.close())
    const pictures = new LatePictures()
    const proof = { clock, store, cases, evidence, pictures }
    const plans = bindRules(box)
    const holding = new Holding({ clock, store, cases, health, box, plans })
    const commanding = new Commanding({
      clock,
      store,
      devices: box.devices,
      trouble: (what, example) => health.trouble(what, example),
    })
    stops.push(() => commanding.stop())
    const actions = new LocalActions({ clock, store, commanding, slots: plans.slots })
    const control = doorControl({
      box,
      clock,
      store,
      commanding,
      dataFolder,
      readingsOf: (id) => lastReadings.of(id),
      trouble: (what, example) => health.trouble(what, example),
    })
    const drilling = new Drilling({ clock, store, cases, health, box })
    stops.push(() => drilling.stop())
    const live = new LivePoints(clock)
    const readingsOf = (id: string) => lastReadings.of(id)
    const photos = new EvidenceFolder(join(dataFolder, 'acceptance'))
    const acceptances = new Acceptances({ clock, store, box, photos, readingsOf })
    const pipeline = new Pipeline({
      ...proof,
      health,
      holding,
      actions,
      doors: control.doors,
      asked: (arrival) => control.asked(arrival),
      drilling,
      watched: (arrival, readings, now) => live.heard(arrival, readings, now),
      lastReadings,
      seenBefore: new SeenBefore(store, clock),
      plans,
      ...(options.onCase ? { onCase: options.onCase } : {}),
    })
    stops.push(() => pipeline.stop())
    settleOldProof(proof)

    // Each time counts, though the state stays the same.
    const state = (subject: string, word: string, detail = ''): void => {
      health.state(subject, word, detail)
      if (troubleWords.has(word)) health.trouble(`${subject}: ${word}`, detail)
    }
    const secret = (reference: string): string => readSecret(reference, dataFolder)
    const ownState = new OwnState({
      clock,
      dataFolder,
      states: () => health.states(),
      connectors: box.file.connectors.map(({ id }) => id),
    })
    const peerTime = (at: Instant): void => ownState.peerTime(at)
    const deliveries = box.file.connectors.map((connector, index): DeliverContext => {
      const plug = rooms.connectors.get(connector.kind)
      const outbox = outboxes[index]
      if (!plug || !outbox) throw new Error(`connector ${connector.kind} is unknown`) // loadBox has checked it
      const settings = ownSettings(connector)
      return {
        clock,
        store,
        cases,
        outbox,
        connector: plug.create({
          id: connector.id,
          settings,
          boxId: box.id,
          clock,
          sign: key.sign,
          secret,
          peerTime,
        }),
        state,
        trouble: (what, example) => health.trouble(what, example),
      }
    })
    const surroundings: WireSurroundings = {
      clock,
      boxId: box.id,
      accounts,
      mqttStore: mqttRows(store),
      ownState: () => ownState.fields(),
      secret,
      modelsCache: rooms.modelsCache,
      manifestsFolder: rooms.manifestsFolder,
      viewsFolder: join(dataFolder, 'views'),
    }
    const wires = new Wires({
      plugs: [...rooms.transports.values()],
      surroundings,
      hub: pipeline,
      clock,
      state,
      forget: (isGone) => health.forget(isGone),
    })
    const rewired = (): void => {
      pictures.sources = wires.transports.filter(isPictureSource)
      commanding.transports = new Map(wires.transports.map((transport) => [transport.name, transport]))
    }
    const reloading = new Reloading({
      box,
      rooms,
      plans,
      store,
      cases,
      holding,
      lastReadings,
      commanding,
      actions,
      control,
      pipeline,
      health,
      wires,
      prepare: async (next) => {
        if (options.makeSecrets === true) await makeSecrets(next, dataFolder, accounts)
      },
      rewired,
    })
    const changes = new ChangeDesk({
      clock,
      store,
      health,
      box,
      dataFolder,
      shippedPacks: rooms.packs,
      transports: () => wires.transports.map(({ name }) => name),
      load: (triedPacks) => loadBox(box.folder, triedPacks ? { ...rooms, triedPacks } : rooms),
      takeOver: (next) => reloading.takeOver(next),
    })
    const startedAt = clock.now()
    const version = readVersion()
    const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
    loop.enable()
    stops.push(() => void loop.disable())
    const report = (): object => ({
      boxId: box.id,
      version,
      contract: CONTRACT,
      startedAt: isoTime(startedAt),
      messages: pipeline.messages,
      loopDelay: loopDelay(loop),
      cases: { ongoing: cases.ongoing },
      drills: drilling.running().map((drill) => drillShown(drill, store.reader)),
      store: { commits: store.commits, full: store.isFull },
      ruleChanges: { watchedUntil: watchedUntil(changes.until), last: changes.list(LAST_CHANGES) },
      history: history.figures ?? null,
      delivery: outboxes.map(({ connector, waiting, refused, uploads }) => ({
        connector,
        waiting,
        refused,
        uploads,
      })),
      states: health.states(),
      troubles: health.troubles(),
    })
    const { filing, modes, trials } = holding
    const desk = new RuleDesk({ clock, store, box, modes, trials, decided: () => holding.lookAgain() })
    const rules = { reader: store.reader, box, desk, filing, modes, trials }
    const api = makeApi({
      token: apiToken(dataFolder),
      boxId: box.id,
      get configHash() {
        return box.hash
      },
      version,
      store,
      accounts,
      health: report,
      readingsOf: (id) => lastReadings.of(id),
      get deviceIds() {
        return [...box.devices.keys()]
      },
      more: [
        (app) => addRuleRoutes(app, rules),
        commandRoutes({ commanding, box, store }),
        doorRoutes({ box, control }),
        drillRoutes({ box, drilling, reader: store.reader }),
        acceptanceRoutes({ box, acceptances, photos }),
        liveRoutes({ box, live, readingsOf }),
        historyRoutes({
          history,
          clock,
          get deviceIds() {
            return [...box.devices.keys()]
          },
        }),
        reloadRoutes({
          reload: async () => {
            changes.refuseWhileWatching()
            return reloading.reload()
          },
        }),
        changeRoutes(changes),
        whyRoutes(new WhyDesk({ store, history, plans: () => reloading.plans }), clock),
      ],
      strangers: () => pipeline.strangers.list(),
    })
    const url = await listen(api, box.file.listen.api)
    stops.push(() => api.close())
    writePrivate(dataFolder, 'api.json', `${JSON.stringify({ url, pid: process.pid })}\n`)
    stops.push(() => rmSync(join(dataFolder, 'api.json'), { force: true }))

    const works: Supervised[] = deliveries.flatMap((delivery) => [
      new Deliverer(delivery),
      new ProofCarrier(delivery),
      new StageListener(delivery),
    ])
    const abort = new AbortController()
    const running = works.map((work) => supervise(work, { clock, state, chance: Math.random }, abort.signal))
    wires.start(wires.plan(box).made)
    rewired()
    stops.push(async () => {
      abort.abort()
      let cancel = (): void => undefined
      const tooLong = new Promise<void>((resolve) => (cancel = clock.after(STOP_MS, resolve)))
      await Promise.race([Promise.all([...running, wires.stopAll()]), tooLong])
      // The timer would keep the process alive.
      cancel()
      await Promise.all(deliveries.map(({ connector }) => connector.close()))
    })
    stops.push(() => changes.stop())
    changes.resume().catch((error: unknown) => health.trouble('rule change', messageOf(error)))
    return { url, health: report, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function openFolder(
  folder: string,
  options: GatewayOptions['store'],
  stops: (() => Promise<void> | void)[],
): Promise<Store> {
  makeFolder(folder)
  stops.push(lock(folder))
  const store = await Store.open({ folder, ...options })
  stops.push(() => store.close())
  return store
}

/** A box that starts on a full disk must hear a fire all the same. */
function lock(folder: string): () => void {
  try {
    return lockFolder(folder)
  } catch (error) {
    if (!isGanglionError(error, 'store-full')) throw error
    giveUp(join(folder, 'reserve'))
    return lockFolder(folder)
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new GanglionError('store-failed', `the data folder cannot be made (${codeOf(error)})`, {
      hint: 'Give a folder that this user may write with --data.',
      cause: error,
    })
  }
}

async function listen(api: ReturnType<typeof makeApi>, address: string): Promise<string> {
  try {
    // The schema of box.yaml lets nothing else through.
    return await api.listen({ ...parseHostPort(address) })
  } catch (error) {
    throw new GanglionError(
      'listen-failed',
      `the API cannot listen on ${address} (${codeOf(error)}: ${messageOf(error)})`,
      {
        hint: 'Is another gateway running? Change listen.api in box.yaml or stop the other one.',
        cause: error,
      },
    )
  }
}

const watchedUntil = (at: Instant | undefined): string | null => (at === undefined ? null : isoTime(at))

/** How late the event loop ran since this was last asked, in ms beyond the resolution of the measurement. */
function loopDelay(loop: ReturnType<typeof monitorEventLoopDelay>): object {
  const ms = (ns: number): number => Math.max(0, Math.round(ns / 1e4) / 100 - LOOP_RESOLUTION_MS)
  const delay = { p50: ms(loop.percentile(50)), p99: ms(loop.percentile(99)), max: ms(loop.max) }
  loop.reset()
  return delay
}

const isPictureSource = (
  transport: Transport & Partial<PictureSource>,
): transport is Transport & PictureSource => transport.take !== undefined

/** Pictures come from transports, which are made after the pipeline that asks for them. */
class LatePictures implements PictureSource {
  sources: readonly PictureSource[] = []

  async take(...asked: Parameters<PictureSource['take']>): ReturnType<PictureSource['take']> {
    const taken = await Promise.all(this.sources.map((source) => source.take(...asked)))
    return taken.flat()
  }
}

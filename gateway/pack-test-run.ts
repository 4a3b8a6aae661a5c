import { later, type Duration } from '../base/clock.ts'
import { ConfigError, readYaml, type Mistake } from '../base/yaml.ts'
import type { Box } from './config.ts'
import type { RecordedMessage } from './history/recorded.ts'
import { expectationMistakes, failuresOf, lengthOf, nearText, outcomesOf } from './pack-test-verdict.ts'
import { testBox, TEST_SITE, type PlacedTest, type TestRoom } from './pack-test-box.ts'
import { startOf, storyOf } from './pack-test-story.ts'
import { PackFile, readPack, type PackContext } from './pack.ts'
import { replay } from './replay.ts'
import type { Reading } from './reading.ts'
import { bindRules, slotId, type Slot } from './slots.ts'
import { showMessage } from './stepping.ts'

/** What became of one test. */
export interface TestResult {
  readonly name: string
  /** The one rule that was judged; none: all of the pack. */
  readonly rule?: string
  /** One text a failure, with its line in the file; none: passed. */
  readonly failures: readonly string[]
  /** The rules that were shown something, and what they made of it. */
  readonly judged: ReadonlySet<string>
  readonly raised: ReadonlySet<string>
  readonly cleared: ReadonlySet<string>
}

export interface PackTrial {
  readonly pack: string
  readonly rules: readonly string[]
  readonly results: readonly TestResult[]
}

export type TrialRooms = Omit<TestRoom, 'rules'> & Pick<PackContext, 'kinds' | 'saidBy'>

/**
 * Runs the tests of the pack `id`, each in a virtual time of its own; `name` is what texts call the file.
 * @throws ConfigError with every mistake of the pack and of its tests; then no test is run.
 */
export async function tryPack(id: string, file: string, rooms: TrialRooms, name = file): Promise<PackTrial> {
  const rules = await readPack(id, file, rooms, name)
  const pack = readYaml(file, PackFile, name)
  const room: TestRoom = { ...rooms, rules }
  const placed = (pack.value.tests ?? []).map((test, index) => ({ pack, test, path: `/tests/${index}` }))
  const ready = placed.map((one) => readyTest(one, room))
  const mistakes = ready.flatMap((one) => one.mistakes)
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  const results: TestResult[] = []
  for (const one of ready) results.push(await tryTest(one))
  return { pack: id, rules: rules.map((rule) => rule.id), results }
}

interface ReadyTest {
  readonly placed: PlacedTest
  readonly box: Box
  readonly story: readonly RecordedMessage[]
  /** What each slot was shown, by its id. */
  readonly shown: ReadonlyMap<string, Shown>
  readonly mistakes: readonly Mistake[]
}

interface Shown {
  readonly slot: Slot
  readonly readings: Reading[]
  isShown: boolean
}

function readyTest(placed: PlacedTest, room: TestRoom): ReadyTest {
  const { box, mistakes } = testBox(placed, room)
  // What is said by devices that are wrong themselves would be complained of twice.
  if (mistakes.length > 0) return { placed, box, story: [], shown: new Map(), mistakes }
  const { story, mistakes: wrong } = storyOf(placed, box)
  const shown = shownIn(box, story)
  const slots = [...shown.values()].map(({ slot }) => slot)
  return { placed, box, story, shown, mistakes: [...wrong, ...expectationMistakes(placed, box.rules, slots)] }
}

/** Which slots there are, and which readings each was shown. */
function shownIn(box: Box, story: readonly RecordedMessage[]): ReadonlyMap<string, Shown> {
  const { slots, byDevice } = bindRules(box)
  const shown = new Map(
    slots.map((slot) => [
      slotId(slot.rule.id, slot.place),
      { slot, readings: [] as Reading[], isShown: false },
    ]),
  )
  for (const { deviceId, readings, observation } of story) {
    const plan = byDevice.get(deviceId)
    if (!plan) continue
    showMessage(plan, readings, observation, (slot, seen) => {
      const known = shown.get(slotId(slot.rule.id, slot.place))
      if (!known) return
      known.isShown = true
      if (seen.kind === 'readings') known.readings.push(...seen.readings)
    })
  }
  return shown
}

async function tryTest({ placed, box, story, shown }: ReadyTest): Promise<TestResult> {
  const { test } = placed
  const start = startOf(test.start)
  const to = later(start, lengthOf(test, (story.at(-1)?.at ?? start) - start))
  const outcomes = outcomesOf(await replay(box, story, { from: start, to }), start)
  const nearest = (rule: string, place: string, until: Duration): string | undefined => {
    const known = shown.get(slotId(rule, `${TEST_SITE}/${place}`))
    if (!known) return undefined
    const { rule: bound, site } = known.slot
    const readings = known.readings.filter(({ at }) => at <= later(start, until))
    const compared = bound.kind.nearness?.(bound.settingsFor(site.file))(readings)
    return compared?.map((one) => nearText(one, start)).join('; ')
  }
  const raised = outcomes.filter(({ is }) => is === 'raise')
  return {
    name: test.name,
    ...(test.rule !== undefined && { rule: test.rule }),
    failures: failuresOf(placed, outcomes, nearest),
    judged: new Set([...shown.values()].filter(({ isShown }) => isShown).map(({ slot }) => slot.rule.id)),
    raised: new Set(raised.flatMap(({ rules }) => rules)),
    cleared: new Set(outcomes.filter(({ is }) => is === 'clear').flatMap(({ rules }) => rules)),
  }
}

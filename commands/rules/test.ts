import { existsSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock, type Duration } from '../../base/clock.ts'
import { GanglionError } from '../../base/errors.ts'
import { junit } from '../../base/junit.ts'
import { ConfigError, type Mistake } from '../../base/yaml.ts'
import { readCatalogue } from '../../gateway/catalogue.ts'
import { tryPack, type PackTrial, type TrialRooms } from '../../gateway/pack-test-run.ts'
import { idsIn, ProfileShelf } from '../../gateway/profile-shelf.ts'
import { ruleKindsIn } from '../../gateway/rule-kinds.ts'
import { saidBy } from '../../gateway/said-by.ts'
import { say, type Command } from '../command.ts'
import { shippedCatalogues, shippedKinds, shippedPacks, shippedProfiles } from '../rooms.ts'

/** 规则测试: the tests that packs bring along, in virtual time. Exit code 1 when one fails. */
const test: Command = {
  name: 'rules test',
  summary:
    'run the tests of packs: rules test [pack or file …] [--junit <file>] [--catalogue <name or file>] [--box <folder with own profiles>]',
  async run(words) {
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { junit: { type: 'string' }, catalogue: { type: 'string' }, box: { type: 'string' } },
    })
    const names = positionals.length > 0 ? positionals : idsIn(shippedPacks)
    const { rooms, mistakes } = trialRooms(values)
    const tried: { readonly trial: PackTrial; readonly took: Duration }[] = []
    for (const name of names) {
      const began = systemClock.ticks()
      const file = fileOf(name, shippedPacks, 'pack')
      const trial = await tryPack(basename(file, '.yaml'), file, rooms, relative('.', file)).catch(
        (error: unknown) => {
          // A wrong profile is why its devices are unknown: it is said too.
          if (!(error instanceof ConfigError)) throw error
          throw new ConfigError([...mistakes, ...error.mistakes])
        },
      )
      tried.push({ trial, took: systemClock.ticks() - began })
    }
    for (const line of tried.flatMap(({ trial }) => trialLines(trial))) say(line)
    if (values.junit !== undefined) writeFileSync(values.junit, junit(tried.map(suiteOf)))
    const results = tried.flatMap(({ trial }) => trial.results)
    const failed = results.filter(({ failures }) => failures.length > 0).length
    say(`${results.length - failed} passed, ${failed} failed`)
    return failed === 0 ? 0 : 1
  },
}
export default test

function trialRooms({ box, catalogue }: { readonly box?: string; readonly catalogue?: string }): {
  readonly rooms: TrialRooms
  readonly mistakes: readonly Mistake[]
} {
  const mistakes: Mistake[] = []
  const profiles = new ProfileShelf(
    shippedProfiles,
    box === undefined ? shippedProfiles : resolve(box),
    (found) => mistakes.push(...found),
  )
  const file = fileOf(catalogue ?? 'demo', shippedCatalogues, 'catalogue')
  const rooms = {
    kinds: ruleKindsIn(shippedKinds),
    catalogue: readCatalogue(file, relative('.', file)),
    profiles,
    saidBy: (id: string) => saidBy(profiles, id),
  }
  return { rooms, mistakes }
}

/** A name is one that ships; whatever ends in `.yaml` or has a folder is a file. */
function fileOf(name: string, folder: string, what: string): string {
  if (name.endsWith('.yaml') || name.includes('/')) return resolve(name)
  const file = join(folder, `${name}.yaml`)
  if (existsSync(file)) return file
  throw new GanglionError('usage', `unknown ${what} "${name}"; known are ${idsIn(folder).join(', ')}`)
}

function trialLines({ pack, results }: PackTrial): readonly string[] {
  const failed = results.filter(({ failures }) => failures.length > 0)
  return [
    `${pack}: ${results.length} tests`,
    ...failed.flatMap(({ name, failures }) => [`  FAIL ${name}`, ...failures.map((text) => `    ${text}`)]),
  ]
}

const suiteOf = ({ trial, took }: { readonly trial: PackTrial; readonly took: Duration }) => ({
  name: trial.pack,
  took,
  judgements: trial.results.map(({ name, failures }) => ({ name, differences: failures })),
})

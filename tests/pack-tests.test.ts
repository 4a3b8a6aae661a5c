import assert from 'node:assert/strict'
import { join, relative } from 'node:path'
import test from 'node:test'
import { shippedCatalogues, shippedKinds, shippedPacks, shippedProfiles } from '../commands/rooms.ts'
import { readCatalogue } from '../gateway/catalogue.ts'
import { tryPack, type PackTrial } from '../gateway/pack-test-run.ts'
import { idsIn, ProfileShelf } from '../gateway/profile-shelf.ts'
import { ruleKindsIn } from '../gateway/rule-kinds.ts'
import { saidBy } from '../gateway/said-by.ts'

const profiles = new ProfileShelf(shippedProfiles, shippedProfiles, (mistakes) =>
  assert.deepEqual(mistakes, []),
)
const rooms = {
  kinds: ruleKindsIn(shippedKinds),
  catalogue: readCatalogue(join(shippedCatalogues, 'demo.yaml')),
  profiles,
  saidBy: (id: string) => saidBy(profiles, id),
}

const packs = idsIn(shippedPacks)
const trials = new Map<string, Promise<PackTrial>>()

/** Each pack is run once for all tests. */
function trialOf(pack: string): Promise<PackTrial> {
  const file = join(shippedPacks, `${pack}.yaml`)
  const trial = trials.get(pack) ?? tryPack(pack, file, rooms, relative('.', file))
  trials.set(pack, trial)
  return trial
}

test('there are packs for sheds, shop fronts, streets, buildings, fire safety and the box itself', () => {
  assert.deepEqual(packs, ['box', 'building', 'ebike-shed', 'fire', 'storefront', 'street'])
})

for (const pack of packs) {
  test(`the tests of the pack ${pack} pass`, async () => {
    const { results } = await trialOf(pack)
    assert.ok(results.length >= 3)
    assert.deepEqual(
      results.flatMap(({ failures }) => failures),
      [],
    )
  })

  test(`every rule of the pack ${pack} has a test that fires it, one that clears it and one of its own in which it must not speak`, async () => {
    const { rules, results } = await trialOf(pack)
    assert.ok(rules.length > 0)
    const missing = rules.flatMap((rule) => [
      ...(results.some(({ raised }) => raised.has(rule)) ? [] : [`${rule}: none fires it`]),
      ...(results.some(({ cleared }) => cleared.has(rule)) ? [] : [`${rule}: none clears it`]),
      ...(results.some((one) => one.rule === rule && one.judged.has(rule) && !one.raised.has(rule))
        ? []
        : [`${rule}: in none it must be silent`]),
    ])
    assert.deepEqual(missing, [])
  })
}

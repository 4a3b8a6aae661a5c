import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { readYaml } from '../base/yaml.ts'
import { readCatalogue } from '../gateway/catalogue.ts'
import { doubleRules, readPack, siteSettingMistakes, type LoadedRule } from '../gateway/pack.ts'
import { ruleKindsIn } from '../gateway/rule-kinds.ts'
import { BoxFile, SiteFile } from '../gateway/site-file.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const kinds = ruleKindsIn(join(root, 'rules/kinds'))
const catalogue = readCatalogue(join(root, 'rules/catalogue/demo.yaml'))
const demo = join(root, 'sites/demo')

const idsIn = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.replace(/\.yaml$/, ''))

async function allRules(): Promise<readonly LoadedRule[]> {
  const packs = idsIn('rules/packs')
  assert.ok(packs.length >= 4)
  const read = packs.map((id) => readPack(id, join(root, `rules/packs/${id}.yaml`), { kinds, catalogue }))
  return (await Promise.all(read)).flat()
}

test('every kind of rule is a pure step that can be loaded by its name', async () => {
  assert.deepEqual(kinds.known, [
    'absence',
    'alarm',
    'change',
    'count',
    'dwell',
    'forecast',
    'rate',
    'schedule',
    'sequence',
    'stuck',
    'threshold',
    'together',
    'window',
  ])
  for (const name of kinds.known) {
    const kind = await kinds.load(name)
    assert.equal(typeof kind.ready, 'function', name)
    assert.deepEqual(JSON.parse(JSON.stringify(kind.start)), kind.start, name)
  }
})

test('all packs can be used in one box, and every class of the demo catalogue is raised by some rule', async () => {
  const rules = await allRules()
  assert.deepEqual(doubleRules(rules), [])
  assert.deepEqual(new Set(rules.map(({ classId }) => classId)), new Set(catalogue.classes.keys()))
})

test('the demo catalogue has the codes that a city maps', () => {
  const classes = [...catalogue.classes.values()]
  const national = classes.filter(({ local }) => !local).map(({ code, name }) => `${code} ${name.zh}`)
  assert.deepEqual(national.sort(), [
    '0102 暴露垃圾',
    '0411 火灾',
    '0504 店外经营',
    '0506 非机动车乱停放',
    '0507 楼道堆物',
  ])
  const own = classes.filter(({ local }) => local).map(({ code, id }) => [code, `X-${id.toUpperCase()}`])
  assert.ok(own.length >= 40)
  for (const [code, wanted] of own) assert.equal(code, wanted)
})

test('the demo sites set numbers that their rules know, and lie in the demo grid', async () => {
  const rules = await allRules()
  const box = readYaml(join(demo, 'box.yaml'), BoxFile).value
  assert.deepEqual(new Set(box.packs), new Set(idsIn('rules/packs')))
  const grid = JSON.parse(readFileSync(join(demo, 'grid.geojson'), 'utf8')) as {
    readonly features: readonly { readonly properties: { readonly gridCode: string } }[]
  } // the file of this repository
  const cells = grid.features.map(({ properties }) => properties.gridCode)
  const sites = idsIn('sites/demo').filter((id) => id !== 'box')
  assert.deepEqual(sites.sort(), ['lane-shop', 'shed-7'])
  for (const id of sites) {
    const site = readYaml(join(demo, `${id}.yaml`), SiteFile)
    assert.deepEqual(siteSettingMistakes(site, rules), [])
    assert.ok(cells.includes(site.value.gridCode), id)
    for (const { signPhoto } of site.value.devices) {
      if (signPhoto !== undefined) assert.ok(existsSync(join(demo, signPhoto)))
    }
  }
})

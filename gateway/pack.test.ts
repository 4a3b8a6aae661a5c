import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { ConfigError, parseYaml, type Mistake } from '../base/yaml.ts'
import { readCatalogue } from './catalogue.ts'
import { doubleRules, readPack, siteSettingMistakes, type LoadedRule } from './pack.ts'
import { ruleKindsIn } from './rule-kinds.ts'
import { SiteFile } from './site-file.ts'

const shipped = (path: string): string => fileURLToPath(new URL(`../rules/${path}`, import.meta.url))
const context = {
  kinds: ruleKindsIn(shipped('kinds')),
  catalogue: readCatalogue(shipped('catalogue/demo.yaml')),
}

const heat = `name: { zh: 包, en: Pack }
rules:
  hot:
    version: 2
    kind: threshold
    class: port-heat
    source: default
    settings: { quantity: portTemperature, above: 70 °C, clearBelow: 60 °C }
    title: { zh: 热, en: Hot }
    why: { zh: '{part} {value}', en: '{part} at {value}, limit {threshold}' }
`

async function pack(text: string, id = 'shed'): Promise<readonly LoadedRule[]> {
  const file = join(mkdtempSync(join(tmpdir(), 'pack-')), 'shed.yaml')
  writeFileSync(file, text)
  return readPack(id, file, context, 'shed.yaml')
}

async function mistakesOf(text: string): Promise<string[]> {
  return pack(text).then(
    () => [],
    (error: unknown) => {
      assert.ok(error instanceof ConfigError)
      return error.mistakes.map(shown)
    },
  )
}

const shown = ({ file, line, path, text }: Mistake): string => `${file}:${line} ${path}: ${text}`

const site = (settings: string) =>
  parseYaml(
    `name: { zh: 棚, en: Shed }
kind: ebike-shed
address: 某地
gridCode: '99010100100101'
position: { lng: 123.5, lat: 29.5, crs: WGS84 }
devices: []
settings: ${settings}`,
    SiteFile,
    'shed-7.yaml',
  )

test('a rule of a pack is ready to run with the numbers of a site', async () => {
  const [rule] = await pack(heat)
  assert.ok(rule)
  assert.deepEqual(
    [rule.id, rule.pack, rule.version, rule.kindId, rule.classId, rule.pictures, rule.wants],
    ['hot', 'shed', 2, 'threshold', 'port-heat', false, ['portTemperature']],
  )
  const own = site('{ hot: { above: 65 °C } }').value
  const settings = { quantity: 'portTemperature', above: '65 °C', clearBelow: '60 °C' }
  assert.deepEqual(rule.settingsFor(own), settings)
  assert.equal(rule.settingsFor({})['above'], '70 °C')
})

test('a rule speaks at the kinds of sites that it names, else everywhere', async () => {
  const [everywhere] = await pack(heat)
  const [sheds] = await pack(heat.replace('    source', '    siteKinds: [ebike-shed]\n    source'))
  assert.deepEqual([everywhere?.appliesTo('street'), sheds?.appliesTo('street')], [true, false])
  assert.equal(sheds?.appliesTo('ebike-shed'), true)
})

test('every mistake of a pack stands with its line, its path and what was meant', async () => {
  const wrong = `${heat}  cold:
    version: 1
    kind: treshold
    class: port-heta
    source: default
    settings: {}
    title: { zh: 冷, en: Cold }
    why: { zh: 冷, en: Cold }
`
    .replace('above: 70 °C', 'above: 70 °F')
    .replace('limit {threshold}', 'limit {treshold}')
  assert.deepEqual(await mistakesOf(wrong), [
    'shed.yaml:8 /rules/hot/settings/above: portTemperature is measured in °C; got "70 °F"',
    'shed.yaml:10 /rules/hot/why/en: unknown word "treshold"; did you mean "threshold"?',
    'shed.yaml:14 /rules/cold/class: unknown class "port-heta"; did you mean "port-heat"?',
    'shed.yaml:13 /rules/cold/kind: unknown kind "treshold"; did you mean "threshold"?',
  ])
})

test('an unknown setting is a mistake with a suggestion', async () => {
  assert.deepEqual(await mistakesOf(heat.replace('clearBelow', 'clearBelw')), [
    'shed.yaml:8 /rules/hot/settings/clearBelw: unknown key "clearBelw"; did you mean "clearBelow"?',
  ])
})

test('classes are not judged while the catalogue itself is wrong', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'pack-')), 'shed.yaml')
  writeFileSync(file, heat.replace('port-heat', 'nowhere'))
  assert.equal((await readPack('shed', file, { ...context, catalogue: undefined })).length, 1)
})

test('what a site sets is judged by the kind of its rule', async () => {
  const rules = await pack(heat)
  const of = (settings: string): string[] => siteSettingMistakes(site(settings), rules).map(shown)
  assert.deepEqual(of('{ hot: { above: 80 °C } }'), [])
  assert.deepEqual(of('{ hott: { above: 80 °C } }'), [
    'shed-7.yaml:7 /settings/hott: unknown rule "hott"; did you mean "hot"?',
  ])
  assert.deepEqual(of('{ hot: { above: 80 W } }'), [
    'shed-7.yaml:7 /settings/hot/above: portTemperature is measured in °C; got "80 W"',
  ])
  assert.deepEqual(of('{ hot: { abov: 80 °C } }'), [
    'shed-7.yaml:7 /settings/hot/abov: unknown key "abov"; did you mean "above"?',
  ])
  assert.equal(of('{ hot: { quantity: portPower } }').length, 1)
})

test('a limit of a site that crosses one of the pack is a mistake of the site', async () => {
  const rules = await pack(heat)
  assert.deepEqual(siteSettingMistakes(site('{ hot: { above: 50 °C } }'), rules).map(shown), [
    'shed-7.yaml:7 /settings/hot: "clearBelow" lies beyond "above": it would clear while it raises',
  ])
})

test('a rule that two packs hold is named once with both', async () => {
  const rules = [...(await pack(heat)), ...(await pack(heat, 'street'))]
  assert.deepEqual(doubleRules(rules), ['rule "hot" stands in the packs "shed" and "street"'])
  assert.deepEqual(doubleRules(await pack(heat)), [])
})

const charged = heat
  .replace(
    '    source: default',
    "    while: portState == 'charging' && portCurrent > idle\n    profiles: [dny-station]\n    source: default",
  )
  .replace('clearBelow: 60 °C', 'clearBelow: 60 °C, limits: { idle: 1 A }')

test('a condition before a rule is read with it, and a site sets its limits', async () => {
  const [rule] = await pack(charged)
  assert.ok(rule)
  assert.deepEqual([rule.wants, rule.asks], [['portTemperature'], ['portState', 'portCurrent']])
  assert.deepEqual([rule.watches('dny-station'), rule.watches('heiman-hs1sa')], [true, false])
  const own = site('{ hot: { limits: { idle: 2 A } } }')
  assert.deepEqual(siteSettingMistakes(own, [rule]), [])
  assert.deepEqual(rule.settingsFor(own.value)['limits'], { idle: '2 A' })
  assert.equal(rule.settingsFor(own.value), rule.settingsFor(own.value), 'made once for all places of a site')
  assert.deepEqual(siteSettingMistakes(site('{ hot: { limits: { idle: 2 W } } }'), [rule]).map(shown), [
    'shed-7.yaml:7 /settings/hot/limits: portCurrent is measured in A; got "idle"',
  ])
  assert.deepEqual(siteSettingMistakes(site('{ hot: { limits: { idl: 2 A } } }'), [rule]).map(shown), [
    'shed-7.yaml:7 /settings/hot/limits/idl: no condition names the limit "idl"',
  ])
})

test('a mistake in the condition before a rule stands with its line', async () => {
  assert.deepEqual(await mistakesOf(charged.replace('portState', 'portStat')), [
    'shed.yaml:7 /rules/hot/while: unknown quantity "portStat"; did you mean "portState"?',
  ])
})

test('a rule that asks a smoke alarm for its current is a mistake', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'pack-')), 'shed.yaml')
  const saidBy = (id: string) =>
    id === 'heiman-hs1sa' ? new Set(['smoke', 'temperature'] as const) : undefined
  const mistakes = async (profiles: string): Promise<readonly string[]> => {
    writeFileSync(file, charged.replace('[dny-station]', profiles))
    return readPack('shed', file, { ...context, saidBy }, 'shed.yaml').then(
      () => [],
      (error: unknown) => (error instanceof ConfigError ? error.mistakes.map(shown) : [String(error)]),
    )
  }
  assert.deepEqual(await mistakes('[heiman-hs1sa, nobody]'), [
    'shed.yaml:8 /rules/hot/profiles/0: devices of "heiman-hs1sa" never say portTemperature; it says smoke, temperature',
    'shed.yaml:8 /rules/hot/profiles/1: there is no profile "nobody"',
  ])
})

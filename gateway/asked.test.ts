import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { FakeClock } from '../base/clock.ts'
import {
  boxYaml,
  openPath,
  siteYaml,
  tempFolder,
  testRooms,
  writeFiles,
  type Path,
} from '../tests/fixtures.ts'
import { loadBox } from './config.ts'

/** The test site with one rule. */
async function gatewayWith(t: TestContext, rule: string): Promise<Path> {
  const folder = tempFolder(t)
  writeFiles(join(folder, 'box'), { 'box.yaml': boxYaml, 'shed.yaml': siteYaml })
  const rooms = testRooms(join(folder, 'rooms'), {
    'packs/test.yaml': `name: { zh: 试, en: Test }
rules:
  rule: { version: 1, ${rule}, source: default, title: { zh: 规, en: Rule }, why: { zh: 规, en: Rule } }
`,
  })
  return openPath(t, { box: await loadBox(join(folder, 'box'), rooms), folder, clock: new FakeClock() })
}

const smokeRule = 'kind: alarm, class: smoke, settings: { quantity: smoke }'

test('what nobody at the place says is asked of the whole site', async (t) => {
  const path = await gatewayWith(t, `${smokeRule}, while: doorOpen`)
  await path.pipeline.accept({ deviceId: 'd1', fields: { smoke: true } })
  assert.deepEqual(path.stored(), [])
  await path.pipeline.accept({ deviceId: 'contact', fields: { open: true } })
  assert.deepEqual(
    path.stored().map(({ place, why }) => [place, why.conditions?.map(({ text, met }) => [text, met])]),
    [['shed/d1', [['doorOpen', true]]]],
  )
  await path.pipeline.accept({ deviceId: 'contact', fields: { open: false } })
  assert.notEqual(path.stored()[0]?.clearedAt, null)
})

test('what somebody at the place says is asked of nobody else', async (t) => {
  const path = await gatewayWith(t, `${smokeRule}, while: '!test'`)
  await path.pipeline.accept({ deviceId: 'd2', fields: { test: true } })
  await path.pipeline.accept({ deviceId: 'd3', fields: { test: false, smoke: true } })
  assert.deepEqual(path.stored(), [], 'd2 watches the same hall')
  await path.pipeline.accept({ deviceId: 'd1', fields: { test: false, smoke: true } })
  assert.deepEqual(
    path.stored().map(({ place }) => place),
    ['shed/d1'],
  )
})

test('a rule that is told of every message has a condition too', async (t) => {
  const path = await gatewayWith(t, 'kind: absence, class: lost, settings: {}, while: smoke')
  await path.pipeline.accept({ deviceId: 'd1', fields: { smoke: false } })
  assert.deepEqual(path.stored(), [])
  assert.deepEqual(path.health.troubles(), [])
})

test('a rule looks only at devices of its profiles', async (t) => {
  const path = await gatewayWith(
    t,
    'kind: threshold, class: leak, settings: { when: residualCurrent > 5 mA || doorOpen }, profiles: [meter]',
  )
  await path.pipeline.accept({ deviceId: 'contact', fields: { open: true } })
  assert.deepEqual(path.stored(), [])
  await path.pipeline.accept({ deviceId: 'meter', fields: { mA: 10 } })
  assert.deepEqual(path.stored()[0]?.why.conditions, [
    { text: 'residualCurrent > 5 mA', value: 10, threshold: 5, margin: 5, unit: 'mA', met: true },
    { text: 'doorOpen', unit: '', met: false },
  ])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { join } from 'node:path'
import { boxYaml, siteYaml, tempFolder, testRooms, writeFiles } from '../tests/fixtures.ts'
import { loadBox } from './config.ts'
import { pushComplaints, toPush, type PushEntry } from './push.ts'

const forms = new Map([
  ['ctwing', { settings: Type.Object({ secret: Type.String() }, { additionalProperties: false }) }],
])
const entry = (more: object = {}): PushEntry =>
  ({ id: 'a', form: 'ctwing', path: '/a', secret: 'file:s', ...more }) as PushEntry // as a box file would have it

const textsOf = (
  pushes: readonly PushEntry[],
  listen: { push?: string } = { push: '127.0.0.1:1' },
): string[] => pushComplaints({ listen, pushes }, forms).map(({ path, text }) => `${path}: ${text}`)

test('what a form judges is parted from what every push has', () => {
  assert.deepEqual(toPush(entry({ from: ['10.0.0.0/8'] })), {
    id: 'a',
    form: 'ctwing',
    path: '/a',
    from: ['10.0.0.0/8'],
    settings: { secret: 'file:s' },
  })
})

test('a push is wrong by its form, its settings, its networks, its twin, or without a place to listen', () => {
  assert.deepEqual(textsOf([entry()]), [])
  assert.deepEqual(pushComplaints({ listen: {} }, forms), [])
  assert.deepEqual(textsOf([entry()], {}), ['/listen: "push" is missing: where the pushes arrive'])
  assert.deepEqual(textsOf([entry({ form: 'ctwin' })]), [
    '/pushes/0/form: unknown form "ctwin"; did you mean "ctwing"?',
  ])
  assert.match(textsOf([entry({ tokn: 'file:t' })])[0] ?? '', /^\/pushes\/0\/tokn: unknown key/)
  assert.deepEqual(textsOf([entry(), entry({ id: 'b' })]), ['/pushes/1/path: another push has "/a" already'])
  assert.deepEqual(textsOf([entry(), entry({ path: '/b' })]), ['/pushes/1/id: another push has "a" already'])
  assert.deepEqual(
    textsOf([entry({ from: ['10.0.0.0/8', '10.0.0.0/33', '::1', '::/129', '10.0.0'] })]).map((text) =>
      text.slice(0, 16),
    ),
    ['/pushes/0/from/1', '/pushes/0/from/3', '/pushes/0/from/4'],
  )
})

test('a box with pushes is judged as a whole, each mistake with its line', async (t) => {
  const folder = tempFolder(t)
  const rooms = testRooms(join(folder, 'rooms'))
  const box = boxYaml.replace("api: '127.0.0.1:0'", "api: '127.0.0.1:0', push: '127.0.0.1:0'")
  const withPush = `${box}pushes: [{ id: aep, form: form, path: /aep, token: 'file:t' }]\n`
  writeFiles(join(folder, 'box'), { 'box.yaml': withPush, 'shed.yaml': siteYaml })
  const loaded = await loadBox(join(folder, 'box'), rooms)
  assert.equal(loaded.file.pushes?.length, 1)
  for (const path of ['aep', '/', '/a//b', '/../x', '/a/../b', '/a b', '/%41']) {
    writeFiles(join(folder, 'box'), { 'box.yaml': withPush.replace('path: /aep', `path: '${path}'`) })
    await assert.rejects(loadBox(join(folder, 'box'), rooms), /pushes\/0\/path/, path)
  }
  const device = "  - { id: alarm, profile: detector, via: { http-push: { push: apee, device: '1' } } }\n"
  const transports = new Map([
    ...rooms.transports,
    ['http-push', { address: Type.Object({ push: Type.String(), device: Type.String() }) }],
  ])
  writeFiles(join(folder, 'box'), { 'box.yaml': withPush, 'shed.yaml': siteYaml + device })
  await assert.rejects(
    loadBox(join(folder, 'box'), { ...rooms, transports }),
    /unknown push "apee"; did you mean "aep"\?/,
  )
})

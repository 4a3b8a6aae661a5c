import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { isGanglionError } from '../base/errors.ts'
import { configHash, readBoxFolder } from './box-folder.ts'

function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'box-folder-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

test('the demo box is read: listeners, bridge, platform, and how each device is reached', () => {
  const box = readBoxFolder(join(import.meta.dirname, '..', 'sites', 'demo'))
  assert.deepEqual(box.mqtt, { host: '127.0.0.1', port: 18_883 })
  assert.deepEqual(box.bridges, [{ id: 'z2m', base: 'zigbee2mqtt' }])
  assert.equal(box.platform?.href, 'http://127.0.0.1:18090/v1')
  const via = (id: string): unknown => box.devices.find((device) => device.id === id)?.via
  assert.deepEqual(via('shed-7-smoke'), { kind: 'mqtt', bridge: 'z2m', address: 'shed-7-smoke' })
  assert.deepEqual(via('shed-7-station'), {
    kind: 'modbus',
    endpoint: { host: '127.0.0.1', port: 18_502 },
    unit: 11,
  })
  assert.deepEqual(via('shed-7-dny'), { kind: 'tcp', physId: 0x0400a507 })
  assert.deepEqual(via('lane-camera'), {
    kind: 'camera',
    endpoint: { host: '127.0.0.1', port: 18_554 },
    path: '/lane',
    user: 'ganglion',
    password: 'file:secrets/lane-camera',
  })
})

test('what the simulator does not need it does not judge, and a transport that it cannot play is told', (t) => {
  const box = 'id: b\nlisten: { api: "[::1]:80", radio: yes }\ncolour: red\n'
  const folder = folderOf(t, { 'box.yaml': box, 'hall.yaml': 'devices: []\nweather: fine\n' })
  assert.deepEqual(readBoxFolder(folder).api, { host: '::1', port: 80 })
  writeFileSync(join(folder, 'hall.yaml'), 'devices: [{ id: x, profile: p, via: { pigeon: {} } }]\n')
  assert.throws(
    () => readBoxFolder(folder),
    (error) => isGanglionError(error, 'config-invalid') && error.message.includes('"pigeon" at x'),
  )
  const station = "{ id: x, profile: p, via: { tcp: { imei: '861197062934387' } } }"
  writeFileSync(join(folder, 'hall.yaml'), `devices: [${station}]\n`)
  assert.throws(
    () => readBoxFolder(folder),
    (error) => isGanglionError(error, 'config-invalid') && error.message.includes('DNY stations'),
  )
})

test('the hash tells every change of name and content, and nothing beside the YAML files', (t) => {
  const one = configHash(folderOf(t, { 'a.yaml': 'x: 1\n', 'b.yaml': 'y: 2\n' }))
  assert.equal(configHash(folderOf(t, { 'b.yaml': 'y: 2\n', 'a.yaml': 'x: 1\n', 'map.geojson': '{}' })), one)
  assert.notEqual(configHash(folderOf(t, { 'a.yaml': 'x: 1\n', 'c.yaml': 'y: 2\n' })), one)
  assert.notEqual(configHash(folderOf(t, { 'a.yaml': 'x: 1 \n', 'b.yaml': 'y: 2\n' })), one)
  // As GET /api/config has it: name, line end, content, line end.
  assert.equal(
    configHash(folderOf(t, { 'a.yaml': 'x\n' })),
    '650facd1699037f36aeb59911dd7f7d8012259c8f7a4cec52844006b8392ebab',
  )
})

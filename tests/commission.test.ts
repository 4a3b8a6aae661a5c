import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { mainFile } from '../commands/rooms.ts'
import type { Case } from '../gateway/case.ts'
import {
  BEAM,
  dial,
  makeBox,
  SMOKE,
  smokePayload,
  startBox,
  TestPlatform,
  until,
  type BoxProcess,
  type TestBox,
} from './box-rig.ts'

/** Commissioning of a whole box, by the commands that a person types at the site. */

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

interface Said {
  readonly code: unknown
  readonly output: string
}

/** As far as tests look at it. */
interface Recorded {
  readonly records: readonly {
    readonly where: { readonly position: object }
    readonly signs: readonly { readonly quantity: string; readonly value: unknown }[]
    readonly drill: { readonly hops: readonly { readonly hop: string }[] }
  }[]
  readonly replacements: readonly {
    readonly by: string
    readonly before: { readonly profile: string }
    readonly after: { readonly profile: string }
  }[]
}

async function ganglion(box: TestBox, ...words: string[]): Promise<Said> {
  const where = ['--box', box.folder, '--data', box.dataFolder]
  const child = spawn(process.execPath, [mainFile, 'commission', ...words, ...where], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()))
  const [code] = (await once(child, 'close')) as unknown[]
  return { code, output }
}

async function call(gateway: BoxProcess, path: string, body?: object): Promise<Response> {
  return fetch(`http://127.0.0.1:${gateway.box.ports.api}${path}`, {
    headers: { authorization: `Bearer ${gateway.token()}`, 'content-type': 'application/json' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  })
}

const casesOf = async (gateway: BoxProcess): Promise<readonly Case[]> =>
  (await (await call(gateway, '/api/cases')).json()) as readonly Case[] // our own API

async function started(t: TestContext): Promise<{ box: TestBox; gateway: BoxProcess }> {
  const box = await makeBox(t)
  return { box, gateway: await startBox(t, box) }
}

test('a drill with no platform waits for it and completes itself; the record has photo, signs and hops', async (t) => {
  const { box, gateway } = await started(t)
  const begun = await ganglion(box, 'drill', 'smoke', '--minutes', '5', '--by', '李师傅')
  assert.equal(begun.code, 0, begun.output)
  await gateway.healthy('the drill', ({ states }) =>
    states.some(
      ({ subject, word, detail }) =>
        subject === 'drill smoke' && word === 'practising' && detail.includes('李师傅'),
    ),
  )
  const bridge = await dial(t, box, 'z2m')
  await bridge.say(SMOKE, smokePayload(true))
  await bridge.say(SMOKE, smokePayload(false))
  const over = await ganglion(box, 'drill', 'smoke', '--end')
  assert.match(over.output, /waiting for the platform\n.*no second trip/)
  const photo = join(box.folder, 'photo.png')
  writeFileSync(photo, PNG)
  const accepted = await ganglion(
    box,
    ...[
      'accept',
      'smoke',
      '--by',
      '王工 <b>',
      '--photo',
      photo,
      '--position',
      '121.47,31.23,WGS84',
      '--note',
      '二楼',
    ],
  )
  assert.equal(accepted.code, 0, accepted.output)
  assert.match(accepted.output, /drill: waiting for the platform/)

  await TestPlatform.start(t, box)
  await until('the end of the drill', async () =>
    (await ganglion(box, 'record', 'smoke')).output.includes('"state": "complete"'),
  )
  const { output } = await ganglion(box, 'record', 'smoke')
  const { records } = JSON.parse(output) as Recorded // our own API
  const [record] = records
  assert.deepEqual(record?.where.position, { lng: 121.47, lat: 31.23, crs: 'WGS84' })
  assert.ok(record.signs.some(({ quantity, value }) => quantity === 'battery' && value === 97))
  const hops = record.drill.hops.map(({ hop }) => hop)
  assert.deepEqual(hops.slice(0, 4), ['arrival', 'raised', 'stored', 'delivered'])
  const page = await ganglion(box, 'record', 'smoke', '--html')
  assert.match(page.output, /设备验收记录 · Acceptance record/)
  assert.ok(page.output.includes(`src="data:image/png;base64,${PNG.toString('base64')}"`))
  assert.ok(page.output.includes('王工 &lt;b&gt;'))
  assert.doesNotMatch(page.output, /https?:\/\//)
  const cases = await casesOf(gateway)
  assert.deepEqual(
    cases.map(({ drill }) => drill),
    [true],
  )
})

test('a broken device is replaced: its open case goes on and is cleared by the new unit', async (t) => {
  const { box, gateway } = await started(t)
  const beam = await dial(t, box, 'beam')
  await beam.say(BEAM, { blocked: true })
  await until('the case', async () => (await casesOf(gateway)).length === 1)
  const file = join(box.folder, 'shop.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace('devices:', '# the door of the shop\ndevices:'))
  const before = readFileSync(file, 'utf8')
  const via = '{ mqtt: { account: z2m, address: new-contact } }'
  const profile = {
    vendor: 'test',
    model: 'NB-2',
    name: { zh: '新对射', en: 'new beam' },
    codec: 'zigbee2mqtt',
  }
  const points = { beamBlocked: { from: 'occupied' } }
  writeFileSync(
    join(box.folder, 'profiles', 'new-beam.yaml'),
    JSON.stringify({ ...profile, reportsEvery: '10 min', points, examples: [] }),
  )
  const said = await ganglion(
    box,
    ...['replace', 'beam', '--profile', 'new-beam', '--via', via, '--by', '李师傅'],
  )
  assert.equal(said.code, 0, said.output)
  assert.match(said.output, /history and open cases go on/)
  const after = readFileSync(file, 'utf8')
  assert.match(after, /# the door of the shop\n/)
  assert.match(after, /part: door-line/)
  const kept = readdirSync(box.folder).find((name) => name.startsWith('shop.yaml.') && name.endsWith('.old'))
  assert.equal(readFileSync(join(box.folder, kept ?? ''), 'utf8'), before)

  const bridge = await dial(t, box, 'z2m')
  await bridge.say('zigbee2mqtt/new-contact', { occupied: true })
  await bridge.say('zigbee2mqtt/new-contact', { occupied: false })
  await until('the end of the breach', async () => (await casesOf(gateway))[0]?.clearedAt !== null)
  const cases = await casesOf(gateway)
  assert.equal(cases.length, 1)
  assert.equal(cases[0]?.count, 1)
  const { output } = await ganglion(box, 'record', 'beam')
  const { replacements } = JSON.parse(output) as Recorded // our own API
  assert.deepEqual(
    replacements.map(({ by, before: old, after: unit }) => [by, old.profile, unit.profile]),
    [['李师傅', 'ir-beam', 'new-beam']],
  )
})

test('a replacement that would make the box wrong changes nothing', async (t) => {
  const box = await makeBox(t)
  const file = join(box.folder, 'shop.yaml')
  const before = readFileSync(file, 'utf8')
  const said = await ganglion(box, 'replace', 'beam', '--profile', 'no-such-thing')
  assert.equal(said.code, 2)
  assert.match(said.output, /shop\.yaml:\d+ .*unknown profile "no-such-thing"/)
  assert.equal(readFileSync(file, 'utf8'), before)
  assert.ok(!readdirSync(box.folder).some((name) => name.endsWith('.old') || name.endsWith('.part')))
  assert.match(
    (await ganglion(box, 'replace', 'nobody', '--profile', 'ir-beam')).output,
    /no site file .* "nobody"/,
  )
})

test('without a gateway a replacement is written down and waits for the next start', async (t) => {
  const box = await makeBox(t)
  const said = await ganglion(box, 'replace', 'smoke', '--profile', 'heiman-hs1ca-m', '--by', '李师傅')
  assert.equal(said.code, 0, said.output)
  assert.match(said.output, /written down: 李师傅.*\nno gateway runs: the next start takes it over/)
  await startBox(t, box)
  const { output } = await ganglion(box, 'record', 'smoke')
  assert.match(output, /"profile": "heiman-hs1ca-m"/)
})

test('a stranger is proposed as an entry with its profile, and a point is shown raw and judged', async (t) => {
  const { box } = await started(t)
  const bridge = await dial(t, box, 'z2m')
  const cellar = { smoke: false, battery: 88, linkquality: 40, battery_low: false }
  await bridge.say('zigbee2mqtt/Cellar 2', cellar)
  const heard = await ganglion(box, 'heard')
  assert.equal(heard.code, 0, heard.output)
  assert.match(
    heard.output,
    /- \{ id: cellar-2, profile: [a-z0-9-]+, via: \{ mqtt: \{ account: z2m, address: Cellar 2 \} \} \}/,
  )
  const speaking = setInterval(() => {
    bridge.say(SMOKE, { ...smokePayload(false), battery: 130 }).catch(() => undefined)
  }, 100)
  t.after(() => clearInterval(speaking))
  const point = await ganglion(box, 'point', 'smoke', 'battery')
  clearInterval(speaking)
  assert.equal(point.code, 1)
  assert.match(point.output, /battery {2}130 % {2}bad .*raw 130/)
  assert.match(
    (await ganglion(box, 'point', 'smoke', 'voltage', '--seconds', '1')).output,
    /cannot say that; it says/,
  )
})

test('the API refuses what is wrong, in words', async (t) => {
  const { gateway } = await started(t)
  const wrong = async (path: string, body: object): Promise<string> => {
    const answer = await call(gateway, path, body)
    return `${answer.status} ${((await answer.json()) as { message: string }).message}` // our own API
  }
  assert.match(await wrong('/api/devices/nobody/drill', { minutes: 1, by: 'x' }), /^404/)
  assert.match(await wrong('/api/devices/smoke/drill', { minutes: 241, by: 'x' }), /^400 \/minutes/)
  assert.match(await wrong('/api/devices/smoke/drill', { minutes: 1, by: 'x\ny' }), /^400 \/by/)
  assert.match(await wrong('/api/devices/smoke/drill/end', {}), /^409 .*in no drill/)
  const photo = Buffer.from('<svg onload=alert(1)>').toString('base64')
  assert.match(
    await wrong('/api/devices/smoke/acceptance', { by: 'x', photo }),
    /^400 .*neither JPEG nor PNG/,
  )
  const large = Buffer.concat([PNG, Buffer.alloc(4 * 1024 * 1024)]).toString('base64')
  assert.match(
    await wrong('/api/devices/smoke/acceptance', { by: 'x', photo: large }),
    /^400 a photo may have 4194304 bytes; got/,
  )
  assert.equal((await call(gateway, '/api/devices/smoke/acceptance.html')).status, 404)
})

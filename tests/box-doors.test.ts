import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { mainFile } from '../commands/rooms.ts'
import { encodeWiegand } from '../wire/wiegand.ts'
import {
  dial,
  makeBox,
  SMOKE,
  smokePayload,
  startBox,
  until,
  type BoxProcess,
  type TestBox,
} from './box-rig.ts'
import { call, changeBox, codeFor, dialReader, issuerJwk, reader, readings } from './door-rig.ts'
import { atEnd } from './fixtures.ts'
import { relayBoard, type RelayBoard } from './relay-board.ts'

/** Doors on a whole box: a relay board on Modbus, readers on MQTT, no platform anywhere. */

const options = { timeout: 90_000 }

const CARD = '89D41B81'
const NIGHT_CARD = 'A1B2C3D4'
const OLD_CARD = '0BADCAFE'
const OTHER_DOOR_CARD = '5EC0DE77'
const UNKNOWN_CARD = 'FEEDF00D'
const AUDIENCE = 'test-box/shed/gate'

const gate = (port: number, more: object = {}): Readonly<Record<string, unknown>> => ({
  id: 'gate',
  profile: 'waveshare-door',
  variant: 'nc',
  via: { 'modbus-tcp': { host: '127.0.0.1', port, unit: 1, every: '100 ms' } },
  commands: { 'open-door': {} },
  door: {
    readers: ['gate-reader'],
    leaving: 'wired-button',
    lock: 'fail-safe',
    expectedFor: '1 ms',
    heldAfter: '2 s',
  },
  ...more,
})

const cards = {
  version: 3,
  cards: [
    { id: 'c-1', uid: CARD },
    { id: 'c-2', uid: NIGHT_CARD, hours: [{ clock: neverNow() }] },
    { id: 'c-3', uid: OLD_CARD, until: '2026-01-02T00:00:00Z' },
    { id: 'c-4', uid: OTHER_DOOR_CARD, doors: ['back-door'] },
  ],
  revoked: { subjects: ['R0666'], tokens: ['gone-1'] },
}

/** An hour in Shanghai that is far from this one. */
function neverNow(): string {
  const hour = (new Date().getUTCHours() + 8 + 12) % 24
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${two(hour)}:00-${two(hour)}:59`
}

async function doorBox(t: TestContext, more: object = {}): Promise<{ box: TestBox; board: RelayBoard }> {
  const box = await makeBox(t, { shed: ({ modbus }) => [gate(modbus, more), reader('gate-reader')] })
  changeBox(box, { doorAccess: { issuers: [{ kid: 'd1', key: issuerJwk }] } })
  return { box, board: await relayBoard(t, box.ports.modbus) }
}

const seen = async (gateway: BoxProcess): Promise<void> =>
  until('a poll of the board', async () => (await readings(gateway, 'gate'))['doorOpen'] === false)

test(
  'without a platform a listed card and a fresh code open the strike by one pulse, and all else is refused with its reason',
  options,
  async (t) => {
    const { box, board } = await doorBox(t)
    const gateway = await startBox(t, box)
    const put = await call(gateway, '/api/sites/shed/credentials', { method: 'PUT', body: cards })
    assert.deepEqual([put.status, (put.body as { cards: number }).cards], [200, 4])
    await seen(gateway)
    const asks = await dialReader(t, box, 'gate-reader')
    const refused = async (shown: Readonly<Record<string, unknown>>, reason: string): Promise<void> => {
      const { granted, reason: got } = await asks.ask(shown)
      assert.deepEqual({ granted, reason: got }, { granted: false, reason }, JSON.stringify(shown))
    }

    assert.equal((await asks.ask({ wiegand: encodeWiegand(CARD) })).granted, true)
    await until('the strike', () => board.isPulled)
    assert.deepEqual(board.written, ['05 0200 30'])
    assert.equal((await readings(gateway, 'gate'))['accessGranted'], true)

    await refused({ card: UNKNOWN_CARD }, 'unknown')
    await refused({ card: NIGHT_CARD }, 'wrong-hours')
    await refused({ card: OLD_CARD }, 'expired')
    await refused({ card: OTHER_DOOR_CARD }, 'wrong-door')
    await refused({ wiegand: encodeWiegand(CARD).replace('1', '0') }, 'unreadable')
    await refused({ card: CARD, time: '2026-01-01T00:00:00Z' }, 'late')
    await until('the reason', async () => (await readings(gateway, 'gate'))['accessReason'] === 'late')
    assert.equal((await readings(gateway, 'gate'))['accessRefused'], true)

    const code = await codeFor({ audience: AUDIENCE, jti: 'visit-1' })
    const stranger = generateKeyPairSync('ed25519').privateKey
    assert.equal((await asks.ask({ qr: `${code}\r\n` })).granted, true)
    await refused({ qr: code }, 'used')
    await refused(
      { qr: await codeFor({ audience: AUDIENCE, jti: 'old-1', from: -120, until: -60 }) },
      'expired',
    )
    await refused(
      { qr: await codeFor({ audience: AUDIENCE, jti: 'soon-1', from: 300, until: 360 }) },
      'not-yet',
    )
    await refused({ qr: await codeFor({ audience: 'test-box/shed/other', jti: 'other-1' }) }, 'wrong-door')
    await refused({ qr: await codeFor({ audience: AUDIENCE, jti: 'gone-1' }) }, 'revoked')
    await refused({ qr: await codeFor({ audience: AUDIENCE, jti: 'gone-2', subject: 'R0666' }) }, 'revoked')
    await refused({ qr: await codeFor({ audience: AUDIENCE, jti: 'long-1', until: 86_400 }) }, 'unreadable')
    await refused(
      { qr: await codeFor({ audience: AUDIENCE, jti: 'false-1', key: stranger }) },
      'wrong-signature',
    )
    await refused({ qr: `${code.slice(0, -4)}AAAA` }, 'wrong-signature')
    assert.deepEqual(board.written, ['05 0200 30', '05 0200 30'])

    // A broker or a reader that brings it again later opens nothing.
    await asks.say({ ask: 'retained-1', card: CARD }, 1, true)
    await until('its answer', () => asks.told.some(({ answer }) => answer === 'retained-1'))
    assert.equal(board.written.length, 3)

    await gateway.end('SIGKILL')
    const next = await startBox(t, box)
    await seen(next)
    await until('the reader', async () => {
      await asks.say({ ask: `again-${Date.now()}`, qr: code })
      return asks.told.some(({ answer, reason }) => answer.startsWith('again-') && reason === 'used')
    })
    assert.equal((await asks.ask({ card: CARD })).granted, true)
    await until('the strike', () => board.written.length === 4)

    const commands = (await call(next, '/api/commands')).body as readonly { by: object; outcome: string }[]
    assert.deepEqual(
      commands.map(({ by }) => by),
      ['card:c-1', 'card:c-1', 'code:visit-1', 'card:c-1'].map((id) => ({ kind: 'access', id })),
    )
    await until('the read-back', async () => {
      const [first] = (await call(next, '/api/commands')).body as readonly { outcome: string }[]
      return first?.outcome === 'confirmed'
    })
    await asks.say(`{"ask":"broken-1","card":"${CARD}"`)
    await next.healthy('what could not be read', ({ troubles }) =>
      troubles.some(({ what }) => what.includes('payload-invalid')),
    )
    const wrong = await call(next, '/api/sites/shed/credentials', {
      method: 'PUT',
      body: { ...cards, version: 4, cards: [{ id: 'c-9', uid: `${CARD}XX` }] },
    })
    assert.equal(wrong.status, 400)
    const shown = await Promise.all(
      ['/api/health', '/api/doors', '/api/commands', '/api/sites/shed/credentials', '/api/strangers'].map(
        (path) => call(next, path),
      ),
    )
    await next.end()
    assertNothingPersonal(box, {
      told: JSON.stringify([...shown, wrong]),
      output: gateway.output + gateway.complaint + next.output + next.complaint,
      secrets: [CARD, UNKNOWN_CARD, NIGHT_CARD, OLD_CARD, OTHER_DOOR_CARD, code, code.split('.')[1] ?? ''],
    })
  },
)

/** Card numbers in every form in which a card is printed or read, and codes. */
function assertNothingPersonal(
  box: TestBox,
  {
    told,
    output,
    secrets,
  }: { readonly told: string; readonly output: string; readonly secrets: readonly string[] },
): void {
  const forms = secrets.flatMap((secret) => [
    secret,
    ...(/^[0-9A-F]{8}$/.test(secret)
      ? [secret.toLowerCase(), String(Number.parseInt(secret, 16)), encodeWiegand(secret)]
      : []),
  ])
  const files = readdirSync(box.dataFolder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(box.dataFolder, name))
    // The reserve is 64 MB of nothing.
    .filter((file) => statSync(file).isFile() && !file.endsWith('reserve'))
  assert.ok(files.length > 5 && files.some((file) => file.endsWith('ganglion.log')))
  for (const form of forms) {
    assert.ok(!told.includes(form), 'the API tells it')
    assert.ok(!output.includes(form), 'it is printed')
    for (const file of files) assert.ok(!readFileSync(file).includes(form), `${file} holds ${form}`)
  }
  const key = join(box.dataFolder, 'keys', 'cards.key')
  assert.equal(statSync(key).mode & 0o777, 0o600)
}

test(
  'a door that opens without a credential or its button is forced, and one that stays open is held',
  options,
  async (t) => {
    const { box, board } = await doorBox(t)
    const gateway = await startBox(t, box)
    await seen(gateway)
    const says = async (quantity: string, value: boolean): Promise<void> =>
      until(`${quantity} ${value}`, async () => (await readings(gateway, 'gate'))[quantity] === value)
    const open = (isOpen: boolean): boolean => (board.inputs[0] = !isOpen)

    // Who leaves presses the button, which the board's own wiring obeys.
    board.inputs[1] = true
    await says('exitButton', true)
    open(true)
    await says('doorOpen', true)
    board.inputs[1] = false
    open(false)
    await says('doorOpen', false)
    assert.equal((await readings(gateway, 'gate'))['doorForced'], false)
    await says('exitButton', false)

    open(true)
    await says('doorForced', true)
    // The rules hear of what the box says like of what a device says.
    await until('a case', async () =>
      ((await call(gateway, '/api/cases')).body as readonly { class: string; place: string }[]).some(
        (one) => one.class === 'door-forced' && one.place === 'shed/gate',
      ),
    )
    await says('doorHeldOpen', true)
    open(false)
    await says('doorForced', false)
    assert.equal((await readings(gateway, 'gate'))['doorHeldOpen'], false)
  },
)

test(
  'a fire opens the door again and again until it clears, where the site says so; a drill moves nothing',
  options,
  async (t) => {
    const { box, board } = await doorBox(t, { commands: { 'open-door': { by: ['rule', 'access'] } } })
    const gateway = await startBox(t, box)
    await seen(gateway)
    const bridge = await dial(t, box, 'z2m')
    await bridge.say(SMOKE, { ...smokePayload(false), test: true })
    await bridge.say(SMOKE, smokePayload(false))
    assert.deepEqual(board.written, [])
    await bridge.say(SMOKE, smokePayload(true))
    await until('three pulses', () => board.written.length >= 3)
    assert.deepEqual([...new Set(board.written)], ['05 0200 30'])
    await gateway.end('SIGKILL')
    const before = board.written.length
    const next = await startBox(t, box)
    await until('a pulse of the fire that still stands', () => board.written.length > before)
    await bridge.say(SMOKE, smokePayload(false))
    await until('the strike to let go', () => !board.isPulled)
    const asked = (await call(next, '/api/commands')).body as readonly { by: object; caseKey: string }[]
    assert.deepEqual(
      [...new Set(asked.map(({ by }) => JSON.stringify(by)))],
      ['{"kind":"rule","id":"smoke"}'],
    )
  },
)

/** Debian's, by its full path: a `python3` found first on the path may be another one without pymodbus. */
const PYTHON = '/usr/bin/python3'
const hasPymodbus = spawnSync(PYTHON, ['-c', 'import pymodbus']).status === 0

test(
  'a board on pymodbus: its own pulse register is written, and the strike that it pulls is the read-back',
  { ...options, skip: hasPymodbus ? false : "needs Debian's python3-pymodbus" },
  async (t) => {
    const box = await makeBox(t, {
      shed: ({ modbus }) => [gate(modbus, { profile: 'juying-door' }), reader('gate-reader')],
    })
    const peer = spawn(
      PYTHON,
      [join(import.meta.dirname, 'peers', 'pymodbus-relay.py'), String(box.ports.modbus)],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    atEnd(t, () => peer.kill('SIGKILL'))
    let written = ''
    peer.stdout.on('data', (chunk: Buffer) => (written += chunk.toString()))
    const gateway = await startBox(t, box)
    const list = join(box.folder, 'cards.json')
    writeFileSync(list, JSON.stringify({ version: 1, cards: [{ id: 'c-1', uid: '212,07041' }] }))
    const where = ['--box', box.folder, '--data', box.dataFolder]
    const imported = await ganglion('credentials', 'import', 'shed', list, ...where)
    assert.deepEqual(imported, { code: 0, said: 'shed: list 1 of 1 cards\n' })
    await seen(gateway)
    const asks = await dialReader(t, box, 'gate-reader')
    assert.equal((await asks.ask({ wiegand: encodeWiegand('D41B81') })).granted, true)
    await until('the pulse register', () => written === '3 4,30\n')
    await until('the read-back', async () => {
      const [first] = (await call(gateway, '/api/commands')).body as readonly { outcome: string }[]
      return first?.outcome === 'confirmed'
    })
    peer.stdin.write('0 0\n')
    await until('the open door', async () => (await readings(gateway, 'gate'))['doorOpen'] === true)
    const { code, said } = await ganglion('doors', ...where)
    assert.equal(code, 0)
    assert.match(said, /^shed\/gate: open\n/)
    assert.match(said, /out: wired-button, lock fail-safe; in: list 1 of 1 cards\n/)
    assert.match(said, /1 let in, 0 refused; from the ask to the order [\d.]+ ms/)

    writeFileSync(list, `{"version":2,"cards":[{"id":"c-1","uid":"D41B81"`)
    const broken = await ganglion('credentials', 'import', 'shed', list, ...where)
    assert.equal(broken.code, 1)
    assert.ok(!broken.said.includes('D41B81'))
    writeFileSync(list, JSON.stringify({ version: 2, cards: [{ id: 'c-1', uid: 'D41B81', phone: '1' }] }))
    const wrong = await ganglion('credentials', 'import', 'shed', list, ...where)
    assert.match(wrong.said, /\/cards\/0\/phone/)
    assert.ok(!wrong.said.includes('D41B81'))
  },
)

test(
  'a controller on MQTT with a reader of its own opens by a command; a lamp that is green while its board is away turns red',
  options,
  async (t) => {
    const box = await makeBox(t, {
      shed: ({ modbus }) => [
        gate(modbus),
        reader('gate-reader'),
        reader('lost-reader'),
        {
          id: 'porch',
          profile: 'door-controller',
          via: { mqtt: {} },
          commands: { 'open-door': {} },
          door: { readers: ['porch'], leaving: 'handle', lock: 'fail-secure' },
        },
      ],
    })
    const gateway = await startBox(t, box)
    const list = { version: 1, cards: [{ id: 'c-1', uid: CARD }] }
    await call(gateway, '/api/sites/shed/credentials', { method: 'PUT', body: list })
    const porch = await dialReader(t, box, 'porch')
    assert.equal((await porch.ask({ card: CARD })).granted, true)
    await until('the command', () => porch.told.some((told) => 'open' in told && 'seconds' in told))
    await porch.say({ open: true, unlocked: true })
    await until('the read-back', async () => {
      const [first] = (await call(gateway, '/api/commands')).body as readonly { outcome: string }[]
      return first?.outcome === 'confirmed'
    })

    // No board listens there.
    const asks = await dialReader(t, box, 'gate-reader')
    const { answer } = await asks.ask({ card: CARD })
    await until('what came of it', () => asks.told.some((told) => told.answer === answer && !told.granted))
    assert.equal(asks.told.at(-1)?.reason, 'door-fault')

    const lost = await dialReader(t, box, 'lost-reader')
    assert.deepEqual((await lost.ask({ card: CARD })).reason, 'door-fault')
    await gateway.healthy('a reader of no door', ({ troubles }) =>
      troubles.some(({ what, last }) => what === 'a reader of no door' && last.includes('lost-reader')),
    )
  },
)

test('a list is taken whole, for a site that there is, and an older one never', options, async (t) => {
  const { box } = await doorBox(t)
  const gateway = await startBox(t, box)
  const put = (body: unknown, site = 'shed') =>
    call(gateway, `/api/sites/${site}/credentials`, { method: 'PUT', body })
  assert.deepEqual((await call(gateway, '/api/sites/shed/credentials')).body, {
    version: 0,
    at: null,
    cards: 0,
  })
  assert.equal((await put(cards, 'nowhere')).status, 404)
  assert.equal((await put(cards)).status, 200)
  assert.equal((await put(cards)).status, 200)
  assert.equal((await put({ ...cards, version: 2 })).status, 409)
  assert.equal((await put({ ...cards, cards: [] })).status, 409)
  assert.equal((await put({ ...cards, version: 9, cards: [...cards.cards, ...cards.cards] })).status, 400)
  const many = Array.from({ length: 10_000 }, (_, i) => ({
    id: `resident-${i}`,
    uid: (0x1000_0000 + i).toString(16),
    until: '2036-01-01T00:00:00+08:00',
    hours: [{ days: ['working'], clock: '06:00-23:00' }, { days: ['rest'] }],
  }))
  const taken = await put({ version: 10, cards: many })
  assert.deepEqual([taken.status, (taken.body as { cards: number }).cards], [200, 10_000])
  assert.equal(await statusOfLength(gateway, 5 * 1024 * 1024), 413)
  const stranger = await fetch(`http://127.0.0.1:${box.ports.api}/api/doors`)
  assert.equal(stranger.status, 401)
})

/** What the API says to a list that announces so many bytes; none of them is sent. */
async function statusOfLength(gateway: BoxProcess, bytes: number): Promise<number | undefined> {
  const asked = request({
    port: gateway.box.ports.api,
    method: 'PUT',
    path: '/api/sites/shed/credentials',
    headers: {
      authorization: `Bearer ${gateway.token()}`,
      'content-type': 'application/json',
      'content-length': bytes,
    },
  })
  asked.flushHeaders()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage] // node:http says so
  asked.destroy()
  return answer.statusCode
}

interface Said {
  readonly code: number
  readonly said: string
}

/** The command line as a person types it. */
async function ganglion(...words: readonly string[]): Promise<Said> {
  const child = spawn(process.execPath, [mainFile, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number] // it ends by itself
  return { code, said }
}

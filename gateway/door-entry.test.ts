import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { messageOf } from '../base/errors.ts'
import { commandsBox } from '../tests/commands-rig.ts'
import { tempFolder } from '../tests/fixtures.ts'
import { saidOf } from './door-entry.ts'

const lock = 'leaving: wired-button, lock: fail-safe'

const box = (t: TestContext, door: string, more = 'commands: { open-door: {} }') =>
  commandsBox(
    tempFolder(t),
    `
  - { id: gate, profile: voice, via: { wire: {} }, ${more}, door: { ${door} } }
  - { id: reader, profile: contact, via: { wire: {} } }
  - { id: back, profile: contact, via: { wire: {} }, door: { readers: [], ${lock} } }
`,
  )

const wrong = async (...given: Parameters<typeof box>): Promise<string> =>
  box(...given).then(() => 'right', messageOf)

test('a door says how people get out without the box, and a lock that stays shut wants a handle', async (t) => {
  assert.equal(await wrong(t, lock), 'right')
  assert.match(await wrong(t, 'lock: fail-safe'), /"leaving" is missing/)
  assert.match(
    await wrong(t, 'leaving: wired-button, lock: fail-secure'),
    /with a button alone nobody gets out/,
  )
  assert.equal(await wrong(t, 'leaving: handle, lock: fail-secure'), 'right')
  assert.match(await wrong(t, `${lock}, leaving-by: none`), /unknown key/)
})

test('readers of a door are devices of its site, of one door each, and the door is let open by credentials', async (t) => {
  assert.equal(await wrong(t, `readers: [reader], ${lock}`), 'right')
  assert.match(
    await wrong(t, `readers: [raeder], ${lock}`),
    /no device of this site is "raeder"; did you mean "reader"/,
  )
  assert.match(await wrong(t, `readers: [reader], ${lock}`, 'silentAfter: 1 h'), /does not enable open-door/)
  const byPeople = 'commands: { open-door: { by: [person] } }'
  assert.match(await wrong(t, `readers: [reader], ${lock}`, byPeople), /leaves out "access"/)
})

test('the box says of a door what its device cannot', async (t) => {
  const { devices } = await box(t, `readers: [reader], ${lock}`)
  const said = (id: string) => {
    const device = devices.get(id)
    return device && saidOf(device)
  }
  assert.deepEqual(said('gate'), ['accessGranted', 'accessRefused', 'accessReason'])
  // It sees no exit button: who leaves would be called a burglar.
  assert.deepEqual(said('back'), ['doorHeldOpen'])
  assert.deepEqual(said('reader'), [])
})

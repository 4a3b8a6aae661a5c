import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import fastify from 'fastify'
import { HoldingRig, type RigWish } from '../tests/holding-rig.ts'
import { addRuleRoutes } from './rule-routes.ts'

async function open(t: TestContext, wish: RigWish) {
  const rig = await HoldingRig.open(t, wish)
  const app = fastify()
  const { holding, store } = rig.path
  const { filing, modes, trials } = holding
  addRuleRoutes(app, { reader: store.reader, box: rig.box, desk: rig.desk, filing, modes, trials })
  await app.ready()
  const get = async (url: string) => {
    const { statusCode, body } = await app.inject({ method: 'GET', url })
    return { statusCode, body: JSON.parse(body) as unknown } // asserted by the tests
  }
  const post = async (url: string, payload: object) => {
    const { statusCode, body } = await app.inject({ method: 'POST', url, payload })
    return { statusCode, body: JSON.parse(body) as { readonly code?: string; readonly message?: string } } // as every refusal
  }
  return { rig, get, post }
}

test('would-be cases are told newest first, with their counts, of the rule and site that were asked for', async (t) => {
  const { rig, get } = await open(t, { door: 'mode: shadow,', leak: 'mode: shadow,' })
  await rig.door('a', true)
  await rig.turn(1)
  await rig.door('b', true)
  await rig.leak(600)
  const { body } = await get('/api/would-be?rule=door&site=shed&limit=1')
  const { counts, rows } = body as { counts: unknown; rows: { place: string }[] } // the shape of the route
  assert.deepEqual(counts, [{ rule: 'door', siteId: 'shed', heldBy: 'shadow', count: 2, held: 2 }])
  assert.deepEqual(
    rows.map(({ place }) => place),
    ['shed/b'],
  )
  assert.equal((await get('/api/would-be?rul=door')).statusCode, 400)
})

test('a decision by the API is stored with its name and works at once', async (t) => {
  const { rig, get, post } = await open(t, { door: 'mode: shadow,' })
  await rig.door('a', true)
  assert.equal((await post('/api/rule-modes', { rule: 'door', mode: 'live', by: '王' })).statusCode, 200)
  await rig.settle()
  assert.equal(rig.cases().length, 1)
  const [mode] = (await get('/api/rule-modes')).body as { mode: string; decision: { by: string } }[] // the shape of the route
  assert.deepEqual([mode?.mode, mode?.decision.by], ['live', '王'])
})

test('what may not be decided is refused with its reason', async (t) => {
  const { post } = await open(t, { site: 'trialDays: 3' })
  const tries = [
    [await post('/api/rule-modes', { rule: 'smoke', mode: 'shadow', by: 'x' }), 409, /always live/],
    [await post('/api/rule-modes', { rule: 'dor', mode: 'shadow', by: 'x' }), 404, /did you mean "door"/],
    [await post('/api/rule-modes', { rule: 'door', mode: 'shadow', by: 'a\nb' }), 400, /by/],
    [await post('/api/rule-modes', { rule: 'door', mode: 'off', by: 'x' }), 400, /mode/],
    [await post('/api/trials/go-live', { site: 'shed', by: 'x' }), 409, /runs until/],
    [await post('/api/trials/go-live', { site: 'shed' }), 400, /by/],
    [await post('/api/trials/review', { site: 'shad' }), 404, /did you mean "shed"/],
  ] as const
  for (const [{ statusCode, body }, wanted, text] of tries) {
    assert.equal(statusCode, wanted, body.message)
    assert.match(body.message ?? '', text)
  }
})

test('trials and filing rates are told', async (t) => {
  const { rig, get, post } = await open(t, { site: 'trialDays: 1' })
  await rig.turn(24 * 60)
  await post('/api/trials/review', { site: 'shed' })
  assert.equal((await post('/api/trials/go-live', { site: 'shed', by: 'Li' })).statusCode, 200)
  await rig.door('a', true)
  await rig.move(rig.cases()[0]?.key, 'filed')
  const [trial] = (await get('/api/trials')).body as { isLive: boolean; liveBy: string; endsAt: string }[] // the shape of the route
  assert.deepEqual([trial?.isLive, trial?.liveBy, trial?.endsAt], [true, 'Li', '2026-03-03T04:00:00.000Z'])
  const { rates } = (await get('/api/filing-rate')).body as { rates: { filed: number }[] } // the shape of the route
  assert.deepEqual(
    rates.map(({ filed }) => filed),
    [1],
  )
})

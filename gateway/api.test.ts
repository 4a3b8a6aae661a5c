import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { instant } from '../base/clock.ts'
import { atEnd, openPath, tempFolder, tinyBox } from '../tests/fixtures.ts'
import { WireAccounts } from './access.ts'
import { makeApi } from './api.ts'
import { RuleDesk } from './rule-desk.ts'
import { addRuleRoutes } from './rule-routes.ts'
import { FakeClock } from '../base/clock.ts'
import type { Store } from './store/store.ts'

const TOKEN = 'a-token-of-the-test'

interface Route {
  readonly method: string
  readonly url: string
}

interface Api {
  readonly app: FastifyInstance
  readonly store: Store
  readonly accounts: WireAccounts
  /** Every route that fastify knows, whoever added it. */
  readonly routes: readonly Route[]
  ask(
    route: string,
    options?: { token?: string | null; body?: unknown; type?: string },
  ): ReturnType<typeof inject>
}

const inject = (app: FastifyInstance, route: string, headers: Record<string, string>, payload?: string) => {
  const [method = 'GET', url = '/'] = route.split(' ')
  return app.inject({ method: method as 'GET', url, headers, ...(payload !== undefined && { payload }) }) // any word may be tried
}

async function open(t: TestContext): Promise<Api> {
  const folder = tempFolder(t)
  const box = await tinyBox(folder)
  const path = await openPath(t, { box, folder })
  for (const deviceId of ['d1', 'd2']) await path.pipeline.accept({ deviceId, fields: { smoke: true } })
  await path.pipeline.accept({ deviceId: 'meter', fields: { mA: 12 } })
  atEnd(t, () => path.stop())
  const accounts = new WireAccounts(path.store, new FakeClock())
  const { filing, modes, trials } = path.holding
  const { store } = path
  const desk = new RuleDesk({ clock: new FakeClock(), store, box, modes, trials, decided: () => undefined })
  const rules = { reader: store.reader, box, desk, filing, modes, trials }
  const app = makeApi({
    token: TOKEN,
    boxId: 'tiny',
    configHash: 'hash',
    version: '1.2.3',
    store: path.store,
    accounts,
    health: () => ({ well: true }),
    readingsOf: (id) => path.lastReadings.of(id),
    deviceIds: ['d1', 'meter'],
    strangers: () => path.pipeline.strangers.list(),
    more: [(routed) => addRuleRoutes(routed, rules)],
  })
  await app.ready()
  const routes = routesOf(app)
  return {
    app,
    store: path.store,
    accounts,
    routes,
    ask(route, { token = TOKEN, body, type = 'application/json' } = {}) {
      const headers: Record<string, string> = {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': type }),
      }
      return inject(app, route, headers, typeof body === 'string' ? body : JSON.stringify(body))
    },
  }
}

/** Reads the tree that fastify prints: `├── api/cases (GET, HEAD)`, each line below the path of the one above. */
function routesOf(app: FastifyInstance): readonly Route[] {
  const routes: Route[] = []
  const above: string[] = []
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const found = /^([│├└─\s]*)(\S+)(?: \(([A-Z, ]+)\))?/.exec(line)
    if (!found) continue
    const depth = (found[1] ?? '').length / 4
    above.length = depth
    above[depth] = found[2] ?? ''
    for (const method of found[3]?.split(', ') ?? [])
      routes.push({ method, url: above.join('').replace('//', '/') })
  }
  return routes
}

test('every route answers 401 without the token and with a wrong one, and says nothing else', async (t) => {
  const api = await open(t)
  const urls = api.routes.map(({ method, url }) => `${method} ${url}`)
  const known = [
    'GET /api/health',
    'GET /api/config',
    'GET /api/cases',
    'GET /api/cases/:key',
    'GET /api/devices/:id/readings',
    'POST /api/accounts',
  ]
  for (const route of known) assert.ok(urls.includes(route), `${route} is not among ${urls.join(', ')}`)
  assert.ok(urls.length >= 10, `only ${urls.length} routes were seen: ${urls.join(', ')}`)
  for (const route of [
    ...urls,
    'GET /',
    'GET /nowhere',
    'DELETE /api/cases',
    'OPTIONS /api/health',
    'GET /api/../token',
  ]) {
    for (const token of [null, 'wrong', `${TOKEN}x`]) {
      const body = route.startsWith('POST') ? { id: 'evil', kind: 'device' } : undefined
      const answer = await api.ask(route, { token, body })
      assert.equal(answer.statusCode, 401, `${route} with ${token ?? 'no token'}`)
      assert.equal(answer.headers['www-authenticate'], 'Bearer')
      if (!route.startsWith('HEAD')) {
        assert.deepEqual(Object.keys(answer.json()), ['code', 'message'])
        assert.ok(!answer.body.includes(TOKEN))
      }
    }
  }
  assert.equal(api.accounts.size, 0)
})

test('health and config are told to who holds the token', async (t) => {
  const api = await open(t)
  assert.deepEqual((await api.ask('GET /api/health')).json(), { well: true })
  assert.deepEqual((await api.ask('GET /api/config')).json(), {
    boxId: 'tiny',
    configHash: 'hash',
    version: '1.2.3',
    contract: 1,
  })
})

test('cases are those that are stored, as many as wanted', async (t) => {
  const api = await open(t)
  const all: { key: string; place: string }[] = (await api.ask('GET /api/cases')).json()
  assert.deepEqual(all.map(({ place }) => place).sort(), ['shed/d1', 'shed/hall'])
  const one: unknown[] = (await api.ask('GET /api/cases?limit=1')).json()
  assert.equal(one.length, 1)
  const [first] = all
  assert.deepEqual((await api.ask(`GET /api/cases/${first?.key ?? ''}`)).json(), first)
  for (const key of ['0'.repeat(64), "' OR 1", '%00']) {
    const answer = await api.ask(`GET /api/cases/${encodeURIComponent(key)}`)
    assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [404, 'unknown'])
  }
})

test('readings carry their unit; a device that is in no site has none', async (t) => {
  const api = await open(t)
  const [reading]: unknown[] = (await api.ask('GET /api/devices/meter/readings')).json()
  const { at, ...rest } = reading as { at: number } // checked by the next lines
  assert.ok(instant(at) > 0)
  assert.deepEqual(rest, { quantity: 'residualCurrent', part: '', value: 12, quality: 'good', unit: 'mA' })
  for (const id of ['nobody', '__proto__', 'd3']) {
    assert.equal((await api.ask(`GET /api/devices/${id}/readings`)).statusCode, 404)
  }
})

test('a query that is not understood is an error and not ignored', async (t) => {
  const api = await open(t)
  for (const query of ['limit=x', 'limit=-1', 'limit=99999', 'limits=1', 'stage=closed', 'limit=1&limit=2']) {
    const answer = await api.ask(`GET /api/cases?${query}`)
    assert.deepEqual(
      [answer.statusCode, answer.json<{ code: string }>().code],
      [400, 'payload-invalid'],
      query,
    )
  }
})

test('an account is made with its secret shown once', async (t) => {
  const api = await open(t)
  const answer = await api.ask('POST /api/accounts', { body: { id: 'd1', kind: 'device' } })
  assert.equal(answer.statusCode, 201)
  const { id, secret }: { id: string; secret: string } = answer.json()
  assert.ok(api.accounts.verify(id, secret))
})

test('bad bodies are refused with what was wanted, and nothing of them is done', async (t) => {
  const api = await open(t)
  const bodies: readonly (readonly [unknown, number, string?])[] = [
    [{ id: 'd1' }, 400],
    [{ id: 'd1', kind: 'devise' }, 400],
    [{ id: 'd1', kind: 'device', secret: 'x' }, 400],
    [{ id: 'D 1', kind: 'device' }, 400],
    [{ id: 1, kind: 'device' }, 400],
    ['[]', 400],
    ['null', 400],
    ['{', 400],
    ['', 400],
    ['{"__proto__":{"a":1},"id":"d1","kind":"device"}', 400],
    ['id=d1', 415, 'application/x-www-form-urlencoded'],
    [{ id: 'd1', kind: 'device', pad: 'x'.repeat(70_000) }, 413],
  ]
  for (const [body, status, type] of bodies) {
    const answer = await api.ask('POST /api/accounts', { body, ...(type !== undefined && { type }) })
    assert.equal(answer.statusCode, status, JSON.stringify(body).slice(0, 100))
    assert.equal(answer.json<{ code: string }>().code, 'payload-invalid')
    assert.ok(answer.body.length < 500)
  }
  const hint = await api.ask('POST /api/accounts', { body: { id: 'd1', kind: 'device', knd: 'x' } })
  assert.match(hint.json<{ message: string }>().message, /did you mean \\?"kind\\?"/)
  assert.equal(api.accounts.size, 0)
})

test('what fails inside is told without the inside', async (t) => {
  const api = await open(t)
  await api.store.close()
  for (const route of ['POST /api/accounts', 'GET /api/cases']) {
    const answer = await api.ask(
      route,
      route.startsWith('POST') ? { body: { id: 'd9', kind: 'device' } } : {},
    )
    assert.equal(answer.statusCode, 500)
    assert.deepEqual(answer.json(), { code: 'failed', message: 'it failed inside; see the log' })
  }
})

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { GanglionError } from '../base/errors.ts'
import httpPush from '../device-drivers/transports/http-push.ts'
import type { Push } from '../gateway/push.ts'
import { onenetSignature, tencentHeaders, webhookHeaders } from './push-request.ts'
import { send, sendRaw, type Answered, type Sent } from './push-sender.ts'
import { deviceOf, OpenIntake, startTransport, type Running } from './transport-suite.ts'

const SECRET = '0123456789abcdef0123456789abcdef'
const KEY = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const IMEI = '860374051096202'

const secrets = new Map([
  ['file:path', SECRET],
  ['file:token', 'tok3n123'],
  ['file:key', KEY],
])

const push = (id: string, settings: Readonly<Record<string, string>>, more: Partial<Push> = {}): Push => ({
  id,
  form: id,
  path: `/push/${id}`,
  from: undefined,
  settings,
  ...more,
})

const pushes: readonly Push[] = [
  push('ctwing', { secret: 'file:path' }),
  push('huawei', { secret: 'file:path' }),
  push('onenet', { token: 'file:token' }),
  push('onenet-studio', { token: 'file:token' }),
  push('tencent', { token: 'file:token' }),
  push('signed-json', { key: 'file:key' }),
]

const devices = [
  deviceOf('lian', 'lian-nb-smoke', { push: 'ctwing', device: IMEI }),
  deviceOf('heiman', 'heiman-nb-smoke', { push: 'ctwing', device: 'h-1' }),
  deviceOf('fanhai', 'fanhai-nb-smoke', { push: 'onenet', device: '861931046156398', member: '3311_0_5706' }),
  deviceOf('studio', 'heiman-hm-618ph-4g', { push: 'onenet-studio', device: 'iot-0001' }),
  deviceOf('tuobao', 'tuobao-nb-smoke', { push: 'tencent', device: 'd-1' }),
  deviceOf('gas', 'siterwell-nb-gas', { push: 'huawei', device: 'dev-1' }),
  deviceOf('door', 'door-contact', { push: 'signed-json', device: 'door-1' }),
  deviceOf('back-door', 'door-contact', { push: 'signed-json', device: 'door-2' }),
]

interface Begun extends Running {
  post(sent: Sent): Promise<Answered>
}

async function begin(
  t: TestContext,
  more: { readonly intake?: OpenIntake; readonly pushes?: readonly Push[]; readonly perSecond?: number } = {},
): Promise<Begun> {
  const running = await startTransport(
    t,
    httpPush,
    {
      devices,
      pushes: more.pushes ?? pushes,
      listen: '127.0.0.1:0',
      limits: more.perSecond === undefined ? {} : { messagesPerSecond: more.perSecond },
      secret(reference) {
        const secret = secrets.get(reference)
        if (secret === undefined) throw new GanglionError('secret-missing', `${reference}: not there`)
        return secret
      },
    },
    more.intake ? { intake: more.intake } : {},
  )
  return { ...running, post: (sent) => send(running.port, sent) }
}

const nowSeconds = ({ clock }: Running): number => Math.floor(clock.now() / 1000)

const report = (more: object): string =>
  JSON.stringify({
    messageType: 'dataReport',
    deviceId: 'aep-1',
    IMEI,
    productId: 'p',
    timestamp: 1772409600000,
    ...more,
  })
const lianReport = (status: number): string =>
  report({ payload: { serviceId: 'notification', serviceData: { Alarm_Status: status } } })
const CTWING = `/push/ctwing/${SECRET}`

test('CTWing: a report by profile and one of bytes reach their devices, decoded', async (t) => {
  const box = await begin(t)
  assert.equal((await box.post({ path: CTWING, body: lianReport(1) })).status, 200)
  const bytes = Buffer.alloc(87).with(85, 1)
  const transparent = report({
    deviceId: 'h-1',
    IMEI: '',
    payload: { APPdata: Buffer.from(bytes).toString('base64') },
  })
  assert.equal((await box.post({ path: CTWING, body: transparent })).text, 'ok')
  const [lian, heiman] = box.intake.accepted
  assert.equal(lian?.deviceId, 'lian')
  assert.deepEqual(lian.fields, { Alarm_Status: 1 })
  assert.equal(lian.time, 1772409600000)
  assert.equal(heiman?.deviceId, 'heiman')
  assert.equal(heiman.fields['smoke'], true)
})

test('CTWing: presence without an IMEI is understood once a report has named both', async (t) => {
  const box = await begin(t)
  const presence = JSON.stringify({
    messageType: 'deviceOnlineOfflineReport',
    deviceId: 'aep-1',
    eventType: 0,
  })
  assert.equal((await box.post({ path: CTWING, body: presence })).status, 200)
  assert.ok(box.intake.hasTrouble('push ctwing: device-unknown'))
  await box.post({ path: CTWING, body: lianReport(7) })
  await box.post({ path: CTWING, body: presence })
  assert.ok(box.intake.states.includes('lian offline'))
  assert.deepEqual(box.intake.losses, [], 'sleepers are offline most of the day')
})

test('OneNET: the address check, a value, and the letters of a transparent alarm', async (t) => {
  const box = await begin(t)
  const signature = encodeURIComponent(onenetSignature('tok3n123', 'abcdefgh', 'hello-msg'))
  const path = `/push/onenet?msg=hello-msg&nonce=abcdefgh&signature=${signature}`
  const check = await box.post({ method: 'GET', path })
  assert.deepEqual([check.status, check.text], [200, 'hello-msg'])
  const msg = (stream: string, value: unknown): string =>
    `{"at":1772409600000, "imei":"861931046156398","type":1,"ds_id":"${stream}","value":${JSON.stringify(value)}}`
  const body = (text: string): string =>
    `{"msg":${text},"msg_signature":"${onenetSignature('tok3n123', 'C1z3?giR', text)}","nonce":"C1z3?giR"}`
  assert.equal(
    (await box.post({ path: '/push/onenet', body: body(msg('3311_0_5706', '020100')) })).status,
    200,
  )
  assert.equal((await box.post({ path: '/push/onenet', body: body(msg('3300_0_5700', -115)) })).status, 200)
  const [alarm, signal] = box.intake.accepted
  assert.deepEqual(alarm?.fields, { fire: true, test: false })
  assert.equal(alarm.repeatsFor, 4 * 3_600_000)
  assert.deepEqual(signal?.fields, {}, 'a sign of life')
})

test('OneNET Studio, IoTDA, Tencent and signed JSON: a push of each is taken', async (t) => {
  const box = await begin(t)
  const studio = JSON.stringify({
    deviceName: 'iot-0001',
    messageType: 'notify',
    notifyType: 'property',
    data: { params: { alarmSta: { value: 4, time: 1772409600000 } } },
  })
  const signature = onenetSignature('tok3n123', 'abcdefgh', studio)
  const studioBody = JSON.stringify({ msg: studio, nonce: 'abcdefgh', signature, id: '1' })
  assert.equal((await box.post({ path: '/push/onenet-studio', body: studioBody })).status, 200)

  const huawei = JSON.stringify({
    resource: 'device.property',
    event: 'report',
    event_time: '20260302T000000Z',
    request_id: 'r',
    notify_data: {
      header: { device_id: 'dev-1' },
      body: { services: [{ service_id: 'gas', properties: { gas_sensor_state: 1 } }] },
    },
  })
  assert.equal((await box.post({ path: `/push/huawei/${SECRET}`, body: huawei })).status, 200)

  const headers = tencentHeaders('tok3n123', nowSeconds(box), 'nonce-1')
  const echo = await box.post({
    method: 'GET',
    path: '/push/tencent',
    headers: { ...headers, echostr: 'abc' },
  })
  assert.deepEqual(
    [echo.status, echo.text, echo.headers['content-type']],
    [200, 'abc', 'text/plain; charset=utf-8'],
  )
  const tencent = JSON.stringify({ devicename: 'd-1', payload: Buffer.from([0xb1, 8, 0]).toString('base64') })
  assert.equal((await box.post({ path: '/push/tencent', body: tencent, headers })).status, 200)

  const signed = JSON.stringify({
    messages: [
      { device: 'door-1', fields: { contact: false } },
      { device: 'nobody', fields: {} },
      { device: 'door-1', hex: 'zz' },
    ],
  })
  const own = webhookHeaders(KEY, { id: 'm-1', seconds: nowSeconds(box), body: signed })
  const answer = await box.post({ path: '/push/signed-json', body: signed, headers: own })
  assert.deepEqual(JSON.parse(answer.text), { taken: 1, seenBefore: 0, unknown: 1, wrong: 1 })

  assert.deepEqual(
    box.intake.accepted.map(({ deviceId, fields }) => [deviceId, fields]),
    [
      ['studio', { alarmSta: 4 }],
      ['gas', { gas_sensor_state: 1 }],
      ['tuobao', { heat: false, fault: false, fire: true, batteryLow: false }],
      ['door', { contact: false }],
    ],
  )
})

test('a device that no site has is shown as a stranger, and its cloud is answered 200', async (t) => {
  const box = await begin(t)
  const body = report({ deviceId: 'new-1', IMEI: '1'.repeat(15), payload: { serviceData: { a: 1 } } })
  assert.equal((await box.post({ path: CTWING, body })).status, 200)
  assert.equal(box.intake.accepted.length, 0)
  assert.deepEqual(box.intake.strangers, [
    { transport: 'http-push', account: 'ctwing', address: '1'.repeat(15), example: '{"a":1}' },
  ])
})

test('what can never be read is counted and answered 200, or 400 to senders of our own', async (t) => {
  const box = await begin(t)
  for (const body of ['', 'x', '[]', '{"messageType":"nonsense"}', '['.repeat(5000), report({ payload: 5 })])
    assert.equal((await box.post({ path: CTWING, body })).status, 200)
  assert.equal(box.intake.troubles.filter((text) => text.includes('push ctwing: payload-invalid')).length, 6)
  const undecodable = report({ deviceId: 'h-1', IMEI: '', payload: { APPdata: 'AAAA' } })
  assert.equal((await box.post({ path: CTWING, body: undecodable })).status, 200)
  assert.ok(box.intake.hasTrouble('push ctwing: payload-invalid (heiman)'))
  const headers = webhookHeaders(KEY, { id: 'm', seconds: nowSeconds(box), body: '[1' })
  assert.equal((await box.post({ path: '/push/signed-json', body: '[1', headers })).status, 400)
  assert.equal(box.intake.accepted.length, 0)
})

test('who does not know the secret is refused, on every path, and nothing is read', async (t) => {
  const box = await begin(t)
  const good = lianReport(1)
  const studio = JSON.stringify({
    msg: '{}',
    nonce: 'abcdefgh',
    signature: onenetSignature('other', 'abcdefgh', '{}'),
  })
  const stale = nowSeconds(box) - 301
  const cases: readonly [Sent, number][] = [
    [{ path: '/push/ctwing', body: good }, 404],
    [{ path: '/push/ctwing/', body: good }, 404],
    [{ path: `/push/ctwing/${SECRET.slice(1)}x`, body: good }, 404],
    [{ path: `/push/ctwing/${SECRET}/`, body: good }, 404],
    [{ path: `/push/ctwing/${SECRET}/x`, body: good }, 404],
    [{ path: `/push/ctwing/../ctwing/${SECRET}`, body: good }, 404],
    [{ path: `/push/%63twing/${SECRET}`, body: good }, 404],
    [{ path: `//push/ctwing/${SECRET}`, body: good }, 404],
    [{ path: `/PUSH/ctwing/${SECRET}`, body: good }, 404],
    [{ path: `/push/ctwing?secret=${SECRET}`, body: good }, 404],
    [{ path: '/push/../../etc/passwd', method: 'GET' }, 404],
    [{ path: '/', method: 'GET' }, 404],
    [{ path: '/api/health', method: 'GET' }, 404],
    [{ path: '/push/onenet-studio', body: studio }, 401],
    [{ path: '/push/onenet-studio', body: 'not JSON' }, 401],
    [{ path: '/push/onenet', body: '{"msg":{}}' }, 401],
    [{ path: '/push/onenet?msg=a&nonce=abcdefgh&signature=x', method: 'GET' }, 401],
    [{ path: '/push/tencent', body: '{}' }, 401],
    [{ path: '/push/tencent', body: '{}', headers: tencentHeaders('tok3n123', stale, 'n') }, 401],
    [{ path: '/push/signed-json', body: '{}' }, 401],
    [{ path: '/push/signed-json', body: '{}', headers: webhookHeaders(KEY, { id: 'm', seconds: stale, body: '{}' }) }, 401],
    [{ path: '/push/signed-json', body: '{ }', headers: webhookHeaders(KEY, { id: 'm', seconds: nowSeconds(box), body: '{}' }) }, 401],
    [{ path: CTWING, method: 'GET' }, 405],
    [{ path: CTWING, method: 'PUT', body: good }, 405],
    [{ path: '/push/tencent', method: 'DELETE' }, 405],
    [{ path: CTWING, body: good, headers: { 'content-encoding': 'gzip' } }, 415],
    [{ path: `/${'x'.repeat(3000)}`, body: good }, 414],
  ] // prettier-ignore
  for (const [sent, status] of cases)
    assert.equal((await box.post(sent)).status, status, `${sent.method ?? 'POST'} ${sent.path.slice(0, 80)}`)
  assert.equal(box.intake.accepted.length, 0)
  const said = JSON.stringify([box.intake.troubles, box.intake.states])
  for (const secret of [SECRET, SECRET.slice(1), 'tok3n123', KEY]) assert.equal(said.includes(secret), false)
})

test('an overheard Tencent signature carries no other body', async (t) => {
  const box = await begin(t)
  const headers = tencentHeaders('tok3n123', nowSeconds(box), 'nonce-1')
  const body = (flags: number): string =>
    JSON.stringify({ devicename: 'd-1', payload: Buffer.from([0xb2, flags, 0]).toString('base64') })
  assert.equal((await box.post({ path: '/push/tencent', body: body(8), headers })).status, 200)
  assert.equal((await box.post({ path: '/push/tencent', body: body(8), headers })).status, 200)
  assert.equal((await box.post({ path: '/push/tencent', body: body(0), headers })).status, 401)
  assert.equal(box.intake.accepted.length, 2)
})

test('bodies are bounded in size, by their word and by their bytes', async (t) => {
  const box = await begin(t)
  const head = `POST ${CTWING} HTTP/1.1\r\nHost: x\r\n`
  assert.match(await sendRaw(box.port, `${head}Content-Length: 262145\r\n\r\n`), /^HTTP\/1\.1 413 /)
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  const answer = await sendRaw(
    box.port,
    `${head}Transfer-Encoding: chunked\r\n\r\n`,
    ...Array<string>(5).fill(chunk),
  )
  assert.ok(answer === '' || answer.startsWith('HTTP/1.1 413 '), answer.slice(0, 40))
  await box.until(
    'both are counted',
    () => box.intake.troubles.filter((text) => text.includes('payload-too-large')).length === 2,
  )
  assert.equal((await box.post({ path: CTWING, body: lianReport(1) })).status, 200)
})

test('heads, bodies and idle connections are bounded in time', async (t) => {
  const box = await begin(t)
  const closed: string[] = []
  const open = (name: string, text: string): { got: () => string } => {
    const socket = connect(box.port, '127.0.0.1')
    let got = ''
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => (got += bytes.toString('latin1')))
    socket.on('close', () => closed.push(name))
    socket.write(text)
    return { got: () => got }
  }
  open('head', `POST ${CTWING} HTTP/1.1\r\nHost: x\r\nX-Slow: `)
  const body = open('body', `POST ${CTWING} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{`)
  const idle = open('idle', `GET / HTTP/1.1\r\nHost: x\r\n\r\n`)
  await box.until('the idle one is answered', () => idle.got().includes('404'))
  await box.idle()
  assert.deepEqual(closed, [])
  await box.clock.turn(10_001)
  await box.until('two are closed', () => closed.length === 2)
  assert.deepEqual(closed.toSorted(), ['body', 'head'])
  assert.match(body.got(), /^HTTP\/1\.1 408 /)
  assert.ok(box.intake.hasTrouble('http-push: the body did not come'))
  await box.clock.turn(75_000)
  await box.until('all are closed', () => closed.length === 3)
})

test('what is no HTTP, or too much of a head, is refused and counted', async (t) => {
  const box = await begin(t)
  assert.match(await sendRaw(box.port, 'hello there\r\n\r\n'), /^HTTP\/1\.1 400 /)
  const large = `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(9000)}\r\n\r\n`
  assert.match(await sendRaw(box.port, large), /^HTTP\/1\.1 431 /)
  const twice = `POST ${CTWING} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`
  assert.match(await sendRaw(box.port, twice), /^HTTP\/1\.1 400 /)
  assert.equal(box.intake.troubles.filter((text) => text.startsWith('http-push: no HTTP')).length, 3)
})

test('a source is bounded in connections and in requests a second, a push in messages a second', async (t) => {
  const box = await begin(t, { perSecond: 2 })
  const sockets = Array.from({ length: 130 }, () => connect(box.port, '127.0.0.1'))
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  for (const socket of sockets) socket.on('error', () => undefined)
  await box.until('the last two are closed', () => sockets.filter(({ closed }) => closed).length === 2)
  assert.ok(box.intake.hasTrouble('http-push: too many connections of one source'))
  for (const socket of sockets) socket.destroy()
  await box.until('all have left', () => sockets.every(({ closed }) => closed))
  await box.idle()

  const statuses: number[] = []
  for (let n = 0; n < 5; n++) statuses.push((await box.post({ path: CTWING, body: lianReport(1) })).status)
  assert.deepEqual(statuses, [200, 200, 200, 200, 429])
  assert.ok(box.intake.hasTrouble('push ctwing: rate-exceeded'))
  await box.clock.turn(1000)
  assert.equal((await box.post({ path: CTWING, body: lianReport(1) })).status, 200)

  // The rate of a source is far above what a cloud sends.
  const line = `GET / HTTP/1.1\r\nHost: x\r\n\r\n`
  const count = { asked: 0, limited: 0 }
  while (count.limited === 0 && count.asked < 6000) {
    const answers = await sendRaw(
      box.port,
      line.repeat(14),
      `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    )
    count.asked += 15
    count.limited += answers.split('HTTP/1.1 429 ').length - 1
  }
  assert.ok(count.asked >= 3000 && count.limited > 0, JSON.stringify(count))
})

test('answered 200 only after the commit, and 503 while the store refuses', async (t) => {
  const intake = new OpenIntake()
  let open = (): void => undefined
  intake.gate = () => new Promise((resolve) => (open = resolve))
  const box = await begin(t, { intake })
  let status = 0
  const asked = box.post({ path: CTWING, body: lianReport(1) }).then((answer) => (status = answer.status))
  await box.until('a message at the gate', () => intake.waiting === 1)
  await box.idle()
  assert.equal(status, 0)
  open()
  await asked
  assert.equal(status, 200)

  intake.gate = () => Promise.reject(new GanglionError('store-full', 'full', { retry: 'later' }))
  const refused = await box.post({ path: CTWING, body: lianReport(1) })
  assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '5'])

  intake.gate = () => Promise.reject(new Error('at /home/somebody'))
  const failed = await box.post({ path: CTWING, body: lianReport(1) })
  assert.equal(failed.status, 503)
  assert.equal(failed.text.includes('somebody'), false)
})

test('of a batch, what one device said stays in order while others do not wait', async (t) => {
  const intake = new OpenIntake()
  const box = await begin(t, { intake })
  const lets = new Map<unknown, () => void>()
  intake.gate = ({ fields }) => new Promise((resolve) => lets.set(fields['n'], resolve))
  const say = (device: string, n: number): object => ({ device, fields: { n } })
  const body = JSON.stringify({ messages: [say('door-1', 1), say('door-1', 2), say('door-2', 3)] })
  const headers = webhookHeaders(KEY, { id: 'm', seconds: nowSeconds(box), body })
  const answer = box.post({ path: '/push/signed-json', body, headers })
  await box.until('the first of each', () => lets.size === 2)
  await box.idle()
  assert.deepEqual([...lets.keys()], [1, 3])
  lets.get(3)?.()
  lets.get(1)?.()
  await box.until('the second', () => lets.has(2))
  lets.get(2)?.()
  assert.equal((await answer).status, 200)
  assert.deepEqual(
    intake.accepted.map(({ fields }) => fields['n']),
    [3, 1, 2],
  )
})

test('a push from elsewhere than its networks finds nothing', async (t) => {
  const path = { secret: 'file:path' }
  const box = await begin(t, {
    pushes: [
      push('here', path, { form: 'ctwing', from: ['127.0.0.0/8'] }),
      push('there', path, { form: 'ctwing', from: ['192.0.2.1', '2001:db8::/32'] }),
    ],
  })
  assert.equal((await box.post({ path: `/push/here/${SECRET}`, body: lianReport(1) })).status, 200)
  assert.equal((await box.post({ path: `/push/there/${SECRET}`, body: lianReport(1) })).status, 404)
  assert.ok(box.intake.hasTrouble('push there: not-allowed'))
})

test('a push whose secret is missing waits for it, and the others work', async (t) => {
  const late = 'file:late'
  const box = await begin(t, {
    pushes: [push('late', { secret: late }, { form: 'ctwing' }), push('ctwing', { secret: 'file:path' })],
  })
  const answer = await box.post({ path: `/push/late/${SECRET}`, body: lianReport(1) })
  assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '60'])
  assert.ok(box.intake.states.includes('push late failed'))
  assert.equal((await box.post({ path: CTWING, body: lianReport(1) })).status, 200)
  // Written while it runs.
  secrets.set(late, SECRET)
  t.after(() => secrets.delete(late))
  assert.equal((await box.post({ path: `/push/late/${SECRET}`, body: lianReport(1) })).status, 200)
  assert.ok(box.intake.states.includes('push late open'))
})

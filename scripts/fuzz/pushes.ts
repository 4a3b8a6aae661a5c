import { readdirSync } from 'node:fs'
import { instant } from '../../base/clock.ts'
import type { OpenForm, PushForm } from '../../device-drivers/push/form.ts'
import { pushForm } from '../../device-drivers/push/form-by-name.ts'
import type { Random } from '../../simulator/random.ts'
import { damaged, pick } from './mutate.ts'
import type { Target } from './target.ts'

const SECRET = '0123456789abcdef0123456789abcdef'
const KEY = Buffer.from(SECRET).toString('base64')
/** A body is verified by itself, and then read; what stands inside it as a text is bounded and read once more. */
const MOST_LOOKS = 8
/** A text inside the body is cut out, verified, and read as JSON once more. */
const MOST_READS = 12

interface Shown {
  readonly settings: readonly Readonly<Record<string, string>>[]
  readonly bodies: readonly object[]
}

const shownForms: Readonly<Record<string, Shown>> = {
  ctwing: {
    settings: [{ secret: 'file:secret' }],
    bodies: [
      {
        messageType: 'dataReport',
        deviceId: 'd',
        IMEI: '8',
        timestamp: 1650554828842,
        payload: { APPdata: 'AgEA' },
      },
      { messageType: 'deviceOnlineOfflineReport', deviceId: 'd', eventType: 1 },
    ],
  },
  huawei: {
    settings: [{ secret: 'file:secret' }],
    bodies: [
      {
        ...{ resource: 'device.property', event: 'report', event_time: '20151212T121212Z', request_id: 'r' },
        notify_data: {
          header: { device_id: 'd', node_id: 'n' },
          body: { services: [{ service_id: 's', properties: { smoke: 1 }, event_time: '20151212T121213Z' }] },
        },
      },
    ],
  },
  onenet: {
    settings: [{ token: 'file:token' }, { token: 'file:token', key: 'file:key' }],
    bodies: [
      {
        msg: { at: 1650554828842, imei: '8', type: 1, ds_id: '3311_0_5850', value: true },
        nonce: 'n',
        msg_signature: 's',
      },
      { enc_msg: 'AAAAAAAAAAAAAAAAAAAAAA==', nonce: 'n', msg_signature: 's' },
    ],
  },
  'onenet-studio': {
    settings: [{ token: 'file:token' }, { token: 'file:token', key: 'file:short' }],
    bodies: [
      {
        msg: '{"notifyType":"property","deviceName":"d","data":{"params":{"smoke":{"value":1,"time":1650554828842}}}}',
        ...{ nonce: 'n', time: 1650554828842, signature: 's', id: 'i' },
      },
    ],
  },
  tencent: {
    settings: [{ token: 'file:token' }],
    bodies: [
      {
        devicename: 'd',
        timestamp: 1650554828,
        payload: { method: 'report', clientToken: 'c', params: { smoke: 1 } },
      },
      { deviceName: 'd', payload: 'AgEA', seq: 7 },
    ],
  },
  'signed-json': {
    settings: [{ key: 'file:key' }],
    bodies: [
      { device: 'd', fields: { smoke: true }, time: '2026-01-01T00:00:00Z', id: 'i' },
      {
        messages: [
          { device: 'd', hex: '0102' },
          { device: 'e', text: 't' },
          { device: 'f', base64: 'AA==' },
        ],
      },
    ],
  },
}

const secretOf = (reference: string): string =>
  reference === 'file:key' ? KEY : reference === 'file:short' ? SECRET.slice(0, 16) : SECRET

/** What clouds push: the body is verified and read, whatever the signature says. */
export async function pushTargets(): Promise<readonly Target[]> {
  const folder = new URL('../../device-drivers/push-forms/', import.meta.url)
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => file.replace(/\.ts$/, ''))
  return Promise.all(names.map(async (name) => pushTarget(await pushForm(name))))
}

function pushTarget(form: PushForm): Target {
  const known = shownForms[form.name]
  if (!known) throw new Error(`the push form ${form.name} is not shown to the fuzzer`)
  const open = known.settings.map((settings): OpenForm => form.open(settings, secretOf))
  return {
    name: `push-${form.name}`,
    kind: 'payload',
    mostLooks: MOST_LOOKS,
    mostReads: MOST_READS,
    make: (random) => ({ bytes: body(random, known.bodies), form: random.between(0, open.length - 1) }),
    open: (index) => ({
      push(bytes) {
        const headers: Readonly<Record<string, string>> = {
          ...{ 'webhook-id': 'i', 'webhook-timestamp': '1700000000', 'webhook-signature': 'v1,AAAA' },
          ...{ timestamp: '1700000000', nonce: 'n', signature: 's' },
        }
        const request = {
          ...({ method: 'POST', below: '', query: '' } as const),
          header: (name: string): string | undefined => headers[name],
          body: bytes as Buffer, // sockets give these
        }
        const chosen = open[index]
        chosen?.verify?.(request, instant(1_700_000_000_000))
        chosen?.read(request)
      },
    }),
  }
}

function body(random: Random, bodies: readonly object[]): Uint8Array {
  const whole = Buffer.from(JSON.stringify(changed(pick(random, bodies), random)))
  return random.next() < 0.6 ? whole : damaged(whole, random)
}

const odd = [
  null,
  true,
  0,
  -1,
  1e308,
  '',
  'undefined',
  '1650554828842',
  'x'.repeat(200),
  [],
  {},
  [[[]]],
  { a: 1 },
] as const

/** Some members left out, doubled, or put in one another's place. */
function changed(value: unknown, random: Random): unknown {
  if (random.next() < 0.08) return pick(random, odd)
  if (Array.isArray(value)) {
    const items = value.map((one: unknown) => changed(one, random))
    return random.next() < 0.1 ? Array.from({ length: random.between(2, 40) }, () => items[0]) : items
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .filter(() => random.next() > 0.05)
    .map(([key, inner]) => [random.next() < 0.03 ? '__proto__' : key, changed(inner, random)] as const)
  return Object.fromEntries(entries)
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, instant } from '../base/clock.ts'
import type { Stranger } from './ports.ts'
import { Strangers } from './strangers.ts'

const at = instant(Date.parse('2026-03-02T00:00:00Z'))
const stranger = (address: string, more: Partial<Stranger> = {}): Stranger => ({
  transport: 'mqtt',
  account: 'z2m',
  address,
  example: '{}',
  ...more,
})

test('the one that spoke last comes first, with its count and its times', async () => {
  const clock = new FakeClock(at)
  const strangers = new Strangers(clock)
  strangers.saw(stranger('a'))
  strangers.saw(stranger('b'))
  await clock.turn(5000)
  strangers.saw(stranger('a', { example: '{"smoke":true}' }))
  assert.deepEqual(strangers.list(), [
    {
      ...stranger('a', { example: '{"smoke":true}' }),
      count: 2,
      firstAt: '2026-03-02T00:00:00.000Z',
      lastAt: '2026-03-02T00:00:05.000Z',
    },
    {
      ...stranger('b'),
      count: 1,
      firstAt: '2026-03-02T00:00:00.000Z',
      lastAt: '2026-03-02T00:00:00.000Z',
    },
  ])
})

test('what its bridge said of it stays when it speaks itself', () => {
  const strangers = new Strangers(new FakeClock())
  strangers.saw(stranger('a', { vendor: 'HEIMAN', model: 'HS1SA' }))
  strangers.saw(stranger('a', { example: '{"smoke":false}' }))
  const [seen] = strangers.list()
  assert.deepEqual([seen?.vendor, seen?.model, seen?.example], ['HEIMAN', 'HS1SA', '{"smoke":false}'])
})

test('there are 500 at most, and the newest stay', () => {
  const strangers = new Strangers(new FakeClock())
  for (let n = 0; n < 700; n++) strangers.saw(stranger(`d${n}`))
  const all = strangers.list()
  assert.equal(all.length, 500)
  assert.deepEqual([all[0]?.address, all.at(-1)?.address], ['d699', 'd200'])
})

test('an example is cut at 500 characters and holds no secret, no matter where it is cut', () => {
  const strangers = new Strangers(new FakeClock())
  const example = (text: string): string => {
    strangers.saw(stranger('a', { example: text }))
    return strangers.list()[0]?.example ?? ''
  }
  assert.equal(example(`{"a":"${'x'.repeat(600)}"}`).length, 500)
  assert.equal(
    example('{"SSId":"shed","Password":"hunter\\"2","mqtt_token" : "t0p","n":1}'),
    '{"SSId":"shed","Password":"…","mqtt_token" : "…","n":1}',
  )
  assert.ok(!example(`{"pad":"${'x'.repeat(3960)}","password":"${'s'.repeat(5000)}"}`).includes('ss'))
  assert.ok(!example(`{"secret":"half of i`).includes('half'))
  assert.equal(example('a\u001b[31m\nb'), 'a [31m b')
})

test('addresses and names from outside are cut too', () => {
  const strangers = new Strangers(new FakeClock())
  strangers.saw(stranger('x'.repeat(5000), { vendor: 'v'.repeat(5000), model: 'm'.repeat(5000) }))
  const [seen] = strangers.list()
  assert.deepEqual([seen?.address.length, seen?.vendor?.length, seen?.model?.length], [128, 128, 128])
})

test('an example holds no number of a card and no code that a reader of no site was shown', () => {
  const strangers = new Strangers(new FakeClock())
  strangers.saw(
    stranger('a', {
      example: '{"cardNo":2312379265,"uid":"89D41B81","qr":"a.b.c","wiegand" : "1110","n":1}',
    }),
  )
  assert.equal(strangers.list()[0]?.example, '{"cardNo":"…","uid":"…","qr":"…","wiegand" : "…","n":1}')
})

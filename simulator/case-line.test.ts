import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant } from '../base/clock.ts'
import { caseLine, type Arrival } from './case-line.ts'

const arrival = (changed: Partial<Arrival['data']> = {}, more: Partial<Arrival> = {}): Arrival => ({
  is: 'arrival',
  at: instant(Date.parse('2026-03-02T00:00:12Z')),
  stage: 'delivered',
  proofs: 1,
  data: {
    key: 'a'.repeat(64),
    revision: 1,
    boxId: 'demo',
    class: 'vehicle-in-zone',
    classCode: '0506',
    className: { zh: '非机动车乱停放', en: 'Bicycle parking' },
    severity: 'ordinary',
    siteName: { zh: '幸福里商铺', en: 'Happy Lane shop' },
    place: 'shop/fire-lane',
    address: '幸福里 12 号门前',
    gridCode: '11010100100102',
    since: '2026-03-02T00:00:04Z',
    clearedAt: null,
    count: 1,
    why: {
      text: { zh: '自行车停在消防通道 8 秒', en: 'A bicycle in the fire lane for 8 s' },
      readings: [],
      detections: [1],
    },
    proof: [
      { sha256: 'b'.repeat(64), keep: 'sent' },
      { sha256: 'c'.repeat(64), keep: 'kept' },
    ],
    proofMissing: null,
    drill: false,
    stage: 'raised',
    ...changed,
  },
  ...more,
})

test('a line says when, what, where, in which grid, why, with which proof and in which stage', () => {
  assert.equal(
    caseLine(arrival()),
    '08:00:12 ● 产生 0506 非机动车乱停放 | 幸福里商铺 幸福里 12 号门前 | 网格 11010100100102 | 自行车停在消防通道 8 秒 (A bicycle in the fire lane for 8 s) | 证据 图 1/1 verified, 原件 1 sealed, 检出 1 | 待受理 delivered',
  )
})

test('clearing, beginning again, more proof and a drill are told apart', () => {
  assert.match(caseLine(arrival({ revision: 2, clearedAt: '2026-03-02T00:00:10Z' })), /✓ 解除/)
  assert.match(caseLine(arrival({ revision: 3, count: 2 })), /● 再次\(2\)/)
  assert.match(caseLine(arrival({ revision: 2 })), /· 更新/)
  assert.match(caseLine(arrival({ drill: true })), /〔演练 drill〕/)
})

test('missing proof says why, and no proof says so', () => {
  assert.match(caseLine(arrival({ proof: [], proofMissing: 'camera-stalled' })), /缺 missing: camera-stalled/)
  const none = { proof: [], why: { text: { zh: '无', en: 'none' }, readings: [], detections: [] } }
  assert.match(caseLine(arrival(none)), /证据 无 none/)
})

test('the time is the time zone’s, and nothing in a case can steer the terminal', () => {
  assert.match(caseLine(arrival(), 'UTC'), /^00:00:12 /)
  const line = caseLine(arrival({ address: 'a\u001b[2J\nb\u202e' }))
  assert.ok(!/[\p{Cc}\p{Cf}]/u.test(line))
})

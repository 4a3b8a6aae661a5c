import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tableLines, widthOf, type CaseRow, type TableView } from './table.ts'

const row: CaseRow = {
  after: 4200,
  class: 'smoke',
  name: '烟雾火警',
  place: 'shed-7/smoke-1',
  stage: 'filed',
  drill: true,
  hasCleared: true,
  proofs: 1,
}
const view: TableView = {
  title: '车棚 shed',
  elapsed: 5000,
  length: 46_000,
  devices: [
    { id: 'smoke-1', isReady: true, shown: 'smoke', fault: undefined },
    { id: 'a-long-device-name', isReady: false, shown: '', fault: 'modbus-dead' },
  ],
  cases: [row],
}

test('the table names devices, their faults and the cases with their stage', () => {
  const text = tableLines(view, 200).join('\n')
  assert.match(text, /^车棚 shed {2}5\.0 s \/ 46\.0 s\n/)
  assert.match(text, /smoke-1 +on +smoke/)
  assert.match(text, /a-long-device-name +… +modbus-dead/)
  assert.match(text, /4\.2 s +smoke +烟雾火警 +shed-7\/smoke-1 +filed +1 +cleared, drill 演练/)
})

test('columns stand below each other though Chinese characters are twice as wide', () => {
  const lines = tableLines({ ...view, cases: [row, { ...row, name: 'x' }] }, 200).slice(-2)
  const [chinese = '', latin = ''] = lines
  // Four characters in eight cells beside one character in eight cells.
  assert.equal(chinese.indexOf('shed-7') + 4, latin.indexOf('shed-7'))
})

test('no line is wider than the terminal, and only the newest cases are shown', () => {
  const many = Array.from({ length: 50 }, (_, i) => ({ ...row, after: i * 1000 }))
  const lines = tableLines({ ...view, cases: many }, 20)
  assert.ok(lines.every((line) => widthOf(line) <= 20))
  assert.equal(lines.at(-1), '… and 30 earlier')
  assert.ok(lines.some((line) => line.startsWith('49.0 s')))
  assert.ok(!lines.some((line) => line.startsWith('29.0 s')))
})

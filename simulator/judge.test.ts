import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { differencesOf, judge, type ReceivedCase } from './judge.ts'

let made = 0
const received = (over: Partial<ReceivedCase> = {}): ReceivedCase => ({
  key: (++made).toString(16).padStart(64, '0'),
  class: 'smoke',
  place: 'shed/smoke-1',
  drill: false,
  hasCleared: false,
  stages: ['accepted', 'filed'],
  proofs: 0,
  after: 1000,
  ...over,
})

describe('judge', () => {
  test('a wanted case that came leaves no difference', () => {
    const verdict = judge(
      [received()],
      [{ class: 'smoke', place: 'shed/smoke-1', within: '2 s' }],
      [{ class: '*' }],
    )
    assert.deepEqual(differencesOf(verdict), [])
    assert.equal(verdict.judgements.length, 2)
  })

  test('a wanted case that did not come is missing', () => {
    const [difference, ...rest] = differencesOf(judge([], [{ class: 'smoke' }], []))
    assert.match(difference ?? '', /^missing: smoke: wanted 1, 0 came$/)
    assert.deepEqual(rest, [])
  })

  test('one case satisfies one want and not two', () => {
    const differences = differencesOf(judge([received()], [{ class: 'smoke' }, { class: 'smoke' }], []))
    assert.equal(differences.length, 1)
    assert.match(differences[0] ?? '', /^missing/)
  })

  test('a case at another place is not the wanted one, and a star forbids it', () => {
    const verdict = judge(
      [received({ place: 'shed/other' })],
      [{ class: 'smoke', place: 'shed/smoke-1' }],
      [{ class: '*' }],
    )
    assert.deepEqual(
      differencesOf(verdict).map((text) => text.split(':')[0]),
      ['missing', 'forbidden'],
    )
  })

  test('a second case of a wanted class is doubled', () => {
    const differences = differencesOf(judge([received(), received()], [{ class: 'smoke' }], [{ class: '*' }]))
    assert.equal(differences.length, 1)
    assert.match(differences[0] ?? '', /^doubled: smoke at shed\/smoke-1 .* besides the 1 wanted/)
  })

  test('a count wants exactly so many', () => {
    const two = [received(), received({ place: 'shed/smoke-2' })]
    assert.deepEqual(differencesOf(judge(two, [{ class: 'smoke', count: 2 }], [])), [])
    assert.match(differencesOf(judge(two, [{ class: 'smoke', count: 3 }], []))[0] ?? '', /wanted 3, 2 came/)
  })

  test('a drill is no real case and a real case is no drill', () => {
    const drill = [received({ drill: true })]
    assert.deepEqual(differencesOf(judge(drill, [{ class: 'smoke', drill: true }], [])), [])
    assert.match(differencesOf(judge(drill, [{ class: 'smoke' }], []))[0] ?? '', /^missing/)
  })

  test('a forbidden class speaks only of cases that nobody wanted', () => {
    const wants = [{ class: 'smoke', place: 'shed/smoke-1' }]
    const both = [received(), received({ place: 'shed/smoke-2', after: 2500 })]
    const differences = differencesOf(judge(both, wants, [{ class: 'smoke' }]))
    assert.deepEqual(differences.length, 1)
    assert.match(differences[0] ?? '', /^forbidden: smoke at shed\/smoke-2 .* came 2\.5 s after the start/)
  })

  test('late, not cleared, not closed and unproven are said one by one', () => {
    const want = { class: 'smoke', within: '500 ms', cleared: true, stage: 'closed', proof: 1 }
    const differences = differencesOf(judge([received()], [want], []))
    assert.equal(differences.length, 4)
    assert.match(differences[0] ?? '', /came 1\.0 s after the start, wanted within 500 ms/)
    assert.match(differences[1] ?? '', /has not cleared/)
    assert.match(differences[2] ?? '', /wanted stage closed; it went accepted → filed/)
    assert.match(differences[3] ?? '', /wanted 1 verified proof files; 0 came/)
  })

  test('what must still stand may not have cleared', () => {
    const differences = differencesOf(
      judge([received({ hasCleared: true })], [{ class: 'smoke', cleared: false }], []),
    )
    assert.match(differences[0] ?? '', /has cleared, wanted it to stand/)
  })

  test('what is neither wanted nor forbidden is told and is no difference', () => {
    const verdict = judge([received({ class: 'other' })], [], [{ class: 'smoke' }])
    assert.deepEqual(differencesOf(verdict), [])
    assert.equal(verdict.others.length, 1)
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeGb18030, encodeGb18030 } from './gb18030.ts'

test('words of the standard go there and back', () => {
  assert.equal(encodeGb18030('车棚1号烟感', 31).toString('hex'), 'b3b5c5ef31bac5d1ccb8d0')
  assert.equal(encodeGb18030('A区1层呷哺走廊', 31).length, 14)
  assert.equal(decodeGb18030(encodeGb18030('A区1层呷哺走廊', 31)), 'A区1层呷哺走廊')
})

test('every character that is not private comes back as itself', () => {
  let seen = 0
  for (let point = 0; point < 0x110000; point += point < 0x10000 ? 1 : 97) {
    const isHalf = point >= 0xd800 && point < 0xe000
    const isPrivate = point >= 0xe000 && point < 0xf900
    if (isHalf || isPrivate || point === 0xfffd) continue
    const text = String.fromCodePoint(point)
    assert.equal(decodeGb18030(encodeGb18030(text, 4)), text, point.toString(16))
    seen++
  }
  assert.ok(seen > 60_000)
})

test('a text is cut between characters of one, two and four bytes', () => {
  assert.equal(decodeGb18030(encodeGb18030('1号😀', 6)), '1号')
  assert.equal(decodeGb18030(encodeGb18030('1号😀', 7)), '1号😀')
  assert.equal(encodeGb18030('号', 1).length, 0)
})

test('half of a surrogate pair has no code', () => {
  assert.equal(encodeGb18030('a\ud800b', 9).toString(), 'a?b')
})

test('of two codes of one character the shorter and lower one is sent', () => {
  assert.equal(encodeGb18030('\u3000', 4).toString('hex'), 'a1a1')
  assert.equal(encodeGb18030('\u9fb4', 4).toString('hex'), 'fe59')
})

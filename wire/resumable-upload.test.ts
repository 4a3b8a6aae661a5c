import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseUploadHeaders, uploadHeaders } from './resumable-upload.ts'

test('the state of an upload survives the way through its headers', () => {
  const count = fc.nat({ max: 2 ** 31 })
  fc.assert(
    fc.property(count, fc.boolean(), fc.option(count, { nil: undefined }), (offset, isComplete, length) => {
      const state = { offset, isComplete, length }
      assert.deepEqual(parseUploadHeaders(uploadHeaders(state)), state)
    }),
  )
})

test('headers are written as the draft writes them', () => {
  assert.deepEqual(uploadHeaders({ offset: 6, isComplete: false, length: 100 }), {
    'upload-offset': '6',
    'upload-complete': '?0',
    'upload-length': '100',
  })
})

test('missing, repeated and wrong headers are no state', () => {
  const good = { 'upload-offset': '6', 'upload-complete': '?1' }
  assert.ok(parseUploadHeaders(good))
  for (const wrong of [
    {},
    { 'upload-offset': '6' },
    { ...good, 'upload-offset': '-1' },
    { ...good, 'upload-offset': '6.5' },
    { ...good, 'upload-offset': ['6', '7'] },
    { ...good, 'upload-complete': '1' },
    { ...good, 'upload-length': 'many' },
    { ...good, 'upload-length': '-5' },
  ]) {
    assert.equal(parseUploadHeaders(wrong), undefined, JSON.stringify(wrong))
  }
})

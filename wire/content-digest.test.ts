import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { contentDigest, contentDigestHolds, contentDigestOf } from './content-digest.ts'

const body = Buffer.from('{"specversion":"1.0","id":"01J9","source":"/edge/gw-001","type":"case.raised"}')
const header = 'sha-256=:d34ni1UnhFMo5KFzfYxJb8aMQznoeg9NhlN/Oezwbbs=:'

test('the digest of the known request is the known one', () => {
  assert.equal(contentDigest(body), header)
  assert.equal(contentDigest(body.toString()), header)
  assert.equal(contentDigestOf(createHash('sha256').update(body).digest('hex')), header)
})

test('a digest holds for its body and for no other', () => {
  assert.equal(contentDigestHolds(header, body), true)
  assert.equal(contentDigestHolds(header, Buffer.concat([body, Buffer.from(' ')])), false)
})

test('the vectors of RFC 9530 hold', () => {
  const hello = Buffer.from('{"hello": "world"}\n')
  assert.equal(contentDigestHolds('sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:', hello), true)
})

test('every SHA-2 digest must hold, others are passed over, and one must be there', () => {
  const sha512 = createHash('sha512').update(body).digest('base64')
  assert.equal(contentDigestHolds(`${header}, sha-512=:${sha512}:`, body), true)
  assert.equal(contentDigestHolds(`${header}, sha-512=:AAAA:`, body), false)
  assert.equal(contentDigestHolds(`${header}, md5=:AAAA:`, body), true)
  assert.equal(contentDigestHolds('md5=:AAAA:', body), false)
})

test('no digest, two of a kind and text that is no digest do not hold', () => {
  for (const wrong of [undefined, '', 'sha-256=abc', `${header}, ${header}`, 'sha-256=("x")', 'sha-256']) {
    assert.equal(contentDigestHolds(wrong, body), false, wrong)
  }
})

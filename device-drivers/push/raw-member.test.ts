import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rawMember } from './raw-member.ts'

test('a member is cut out as it was sent, space, escapes and long numbers included', () => {
  const raws = [
    '{"at":1.0,"dev_id":90071992547409931}',
    '{"2":1,"1":2}',
    '"a \\" } \\u5c40 b"',
    '[ {"a":"]"}, [1] ]',
    '{"z":"\\/","a":{ "b" : [] }}',
    '-1.50e2',
    'null',
  ]
  for (const raw of raws)
    for (const text of [
      `{"msg":${raw}}`,
      ` { "nonce":"a,}\\"", "msg" :  ${raw} \n, "x":{"msg":1} } `,
      `{"x":["msg",{"msg":2}],"m\\u0073g":\t${raw}\r\n}`,
    ])
      assert.equal(rawMember(text, 'msg'), raw, text)
})

test('a member that is not there, or there twice, is none', () => {
  for (const text of [
    '{}',
    ' [1]',
    '"msg"',
    '{"x":{"msg":1}}',
    '{"msg":1,"msg":2}',
    '{"msg":1,"\\u006dsg":1}',
  ])
    assert.equal(rawMember(text, 'msg'), undefined, text)
})

test('for any object the cut text means what the parsed object means', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.jsonValue(),
      fc.nat(4),
      (rest, msg, indent) => {
        const others = Object.entries(rest).filter(([name]) => name !== 'msg')
        const text = JSON.stringify(Object.fromEntries([...others, ['msg', msg]]), null, indent)
        const raw = rawMember(text, 'msg')
        assert.ok(raw !== undefined && text.includes(raw))
        assert.deepEqual(JSON.parse(raw), JSON.parse(JSON.stringify(msg)))
      },
    ),
  )
})

test('whatever text it is given, it ends', () => {
  fc.assert(fc.property(fc.string(), (text) => void rawMember(text, 'msg')))
  fc.assert(fc.property(fc.string(), (text) => void rawMember(`{"msg":${text}`, 'msg')))
})

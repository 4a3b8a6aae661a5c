import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { controlUrl, describeVideo, readVideo } from './sdp.ts'

const lines = (...all: readonly string[]): string => `${all.join('\r\n')}\r\n`

test('the video of a camera with sound is found, with its parameter sets', () => {
  const description = lines(
    'v=0',
    'm=audio 0 RTP/AVP 8',
    'a=control:trackID=2',
    'm=video 0 RTP/AVP 96',
    'a=control:rtsp://192.168.1.64:554/Streaming/Channels/102/trackID=1',
    'a=rtpmap:96 H264/90000',
    'a=fmtp:96 profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=Z0LA,aAI=',
    'a=Media_header:MEDIAINFO=494D4B48',
  )
  assert.deepEqual(readVideo(description), {
    codec: 'H264',
    payloadType: 96,
    control: 'rtsp://192.168.1.64:554/Streaming/Channels/102/trackID=1',
    parameterSets: [Uint8Array.of(0x67, 0x42, 0xc0), Uint8Array.of(0x68, 0x02)],
  })
})

test('H.265 has three kinds of parameter sets', () => {
  const description = lines(
    'm=video 0 RTP/AVP 98',
    'a=rtpmap:98 H265/90000',
    'a=fmtp:98 sprop-vps=QAE=; sprop-sps=QgE=; sprop-pps=RAE=',
    'a=control:track1',
  )
  const video = readVideo(description)
  assert.ok(!('others' in video))
  assert.equal(video.codec, 'H265')
  assert.deepEqual(
    video.parameterSets.map(([first]) => first),
    [0x40, 0x42, 0x44],
  )
})

test('a codec that is not decoded is named, and a second video that is decoded is taken', () => {
  const jpeg = ['m=video 0 RTP/AVP 26', 'a=rtpmap:26 JPEG/90000', 'a=control:one']
  assert.deepEqual(readVideo(lines(...jpeg)), { others: ['JPEG'] })
  const both = readVideo(lines(...jpeg, 'm=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000', 'a=control:two'))
  assert.equal('control' in both && both.control, 'two')
  assert.deepEqual(readVideo('nothing'), { others: [] })
})

test('what SETUP names: absolute, beside the base with or without its slash, or the base itself', () => {
  assert.equal(controlUrl('rtsp://a/b/c', 'rtsp://x/'), 'rtsp://a/b/c')
  assert.equal(controlUrl('trackID=1', 'rtsp://x/y/'), 'rtsp://x/y/trackID=1')
  assert.equal(controlUrl('trackID=1', 'rtsp://x/y'), 'rtsp://x/y/trackID=1')
  assert.equal(controlUrl('*', 'rtsp://x/y'), 'rtsp://x/y')
})

test('property: what a camera describes is read back', () => {
  const nal = fc.uint8Array({ minLength: 4, maxLength: 60 })
  fc.assert(
    fc.property(nal, nal, fc.integer({ min: 96, max: 127 }), (sps, pps, payloadType) => {
      const text = describeVideo({
        address: '10.0.0.1',
        title: 't',
        payloadType,
        sps,
        pps,
        control: 'trackID=1',
      })
      assert.deepEqual(readVideo(text), {
        codec: 'H264',
        payloadType,
        control: 'trackID=1',
        parameterSets: [sps, pps].map((set) => Uint8Array.from(set)),
      })
    }),
  )
})

test('property: no text makes the reader throw', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => void readVideo(`m=video 0 RTP/AVP 96\r\n${text}`)),
  )
})

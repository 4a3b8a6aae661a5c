import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { before, test, type TestContext } from 'node:test'
import { convertCenternet, defaultCacheFolder } from '../models/convert-centernet.ts'
import { H264Encoder } from '../simulator/h264-encoder.ts'
import { drawScene } from '../simulator/scene.ts'
import { inZone, watchCamera } from './watched-camera.ts'

/** Our RTSP client against a server that is not ours. */

/** Debian's, by its full path: a `python3` found first on the path may be another one without `gi`. */
const PYTHON = '/usr/bin/python3'
const PACKAGES =
  'gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad'
const asked = spawnSync(PYTHON, [
  '-c',
  'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import Gst, GstRtspServer\n' +
    'Gst.init(None); assert all(Gst.ElementFactory.find(n) for n in ("appsrc", "h264parse", "rtph264pay"))',
])
const skip = asked.status === 0 ? false : `needs Debian's ${PACKAGES}`

const PATH = '/stream1'
const login = { user: 'admin', password: 'Abc12345' }
const START_CODE = Uint8Array.of(0, 0, 0, 1)

before(async () => {
  await convertCenternet({ cacheFolder: defaultCacheFolder })
})

/** Access units of a bicycle in the fire lane, each behind its length. */
async function bicycleFile(folder: string): Promise<string> {
  const size = { width: 640, height: 360, framesPerSecond: 10 }
  const encoder = await H264Encoder.open(size)
  await encoder.show([drawScene('fire-lane-bicycle', size.width, size.height).rgb])
  const parts: Uint8Array[] = []
  for (let i = 0; i < 20; i++) {
    const nals = await encoder.encode(i * 9000)
    const unit = Buffer.concat(nals.flatMap((nal) => [START_CODE, nal]))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(unit.length)
    parts.push(length, unit)
  }
  encoder.close()
  const file = join(folder, 'bicycle.units')
  writeFileSync(file, Buffer.concat(parts))
  return file
}

async function startPeer(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-rtsp-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const peer = spawn(PYTHON, [join(import.meta.dirname, 'peers', 'gst-rtsp.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => peer.kill('SIGKILL'))
  peer.stdin.write(`${JSON.stringify({ ...login, path: PATH, file: await bicycleFile(folder), fps: 10 })}\n`)
  for await (const line of createInterface({ input: peer.stdout })) {
    return `rtsp://127.0.0.1:${line.trim()}${PATH}`
  }
  throw new Error('the GStreamer server ended before it listened')
}

test('a bicycle is seen through the RTSP server of GStreamer', { skip }, async (t) => {
  const watched = watchCamera(await startPeer(t), login)
  t.after(() => watched.stop())
  const observation = await watched.seen((one) => inZone(one) === true)
  assert.equal(observation.stays[0]?.tracks[0]?.label, 'bicycle')
})

test('a wrong password and a wrong path have their words there too', { skip }, async (t) => {
  const url = await startPeer(t)
  const wrong = watchCamera(url, { ...login, password: 'other' })
  t.after(() => wrong.stop())
  assert.equal(await wrong.state((word) => word !== 'connecting'), 'auth-refused')
  const lost = watchCamera(`${url}x`, login)
  t.after(() => lost.stop())
  assert.equal(await lost.state((word) => word !== 'connecting'), 'missing')
})

import { systemClock, type Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import { nalType } from '../wire/rtp-h264.ts'
import { TICKS_PER_MS } from '../wire/rtp.ts'
import { describeVideo } from '../wire/sdp.ts'
import type { CameraSettings, FromCamera, ToCamera } from './camera-messages.ts'
import { H264Encoder } from './h264-encoder.ts'
import { RtspServer } from './rtsp-server.ts'
import { CONTROL, PAYLOAD_TYPE } from './rtsp-session.ts'
import { addNoise } from './scene/grain.ts'
import { drawScene, type Scene } from './scene.ts'
import type { SceneName } from './scene-names.ts'

/** The process of one simulated camera: native code and passwords stay in here. */

const size = { width: 640, height: 360, framesPerSecond: 12 }
/** A sensor is never still; a few noises in turn are enough, and cheap. */
const noiseSeeds = [1, 2, 3, 4]

interface Running {
  readonly port: number
  readonly server: RtspServer
  show(scene: Scene | SceneName): Promise<void>
}

async function run(settings: CameraSettings, clock: Clock): Promise<Running> {
  const encoder = await H264Encoder.open(size)
  const show = async (scene: Scene | SceneName): Promise<void> => {
    const { rgb } = drawScene(scene, size.width, size.height)
    await encoder.show(noiseSeeds.map((seed) => addNoise(rgb, seed)))
  }
  await show(settings.scene)
  // RTP times start anywhere; ours at the age of the process.
  const timestamp = (): number => Math.round(clock.ticks() * TICKS_PER_MS)
  const [sps, pps] = await encoder.encode(timestamp())
  if (!sps || !pps || nalType(sps) !== 7 || nalType(pps) !== 8)
    throw new Error('the encoder gave no SPS and PPS')
  const description = describeVideo({
    address: settings.host,
    title: 'Ganglion camera',
    payloadType: PAYLOAD_TYPE,
    sps,
    pps,
    control: CONTROL,
  })

  // Nobody watches, nothing is encoded.
  let isEncoding = false
  const server = new RtspServer({ ...settings, description }, () => {
    if (!isEncoding) encodeOn()
  })
  const frameMs = 1000 / size.framesPerSecond
  const encodeOn = (): void => {
    isEncoding = server.isWatched
    if (!isEncoding) return
    const began = clock.ticks()
    const at = timestamp()
    void encoder.encode(at).then((nals) => {
      server.send({ nals, timestamp: at })
      clock.after(frameMs - (clock.ticks() - began), encodeOn)
    }, fail)
  }
  return { port: await server.listen(settings.host, settings.port), server, show }
}

/** The parent sees the end of this process and says so. */
function fail(error: unknown): never {
  process.stderr.write(`simulated camera: ${messageOf(error)}\n`)
  process.exit(1)
}

let running: Running | undefined

async function obey(message: ToCamera): Promise<number> {
  if (message.kind === 'start') running = await run(message.settings, systemClock)
  if (!running) throw new Error('wanted "start" first')
  if (message.kind === 'scene') await running.show(message.scene)
  if (message.kind === 'fault') running.server.setFault(message.fault)
  return running.port
}

process.on('message', (message) => {
  const question = message as ToCamera // only our own file is at the other end
  const answer = (from: FromCamera): void => {
    process.send?.(from)
  }
  obey(question).then(
    (port) => answer({ id: question.id, kind: 'done', port }),
    (error: unknown) => answer({ id: question.id, kind: 'failed', message: messageOf(error) }),
  )
})
// The simulator is gone: so is the camera.
process.on('disconnect', () => process.exit(0))

import { InferenceSession, Tensor } from 'onnxruntime-node'
import { GanglionError, messageOf } from '../base/errors.ts'
import type { Detection } from '../gateway/detection.ts'
import { decodeCenternet } from './decoders/centernet.ts'
import { decodeFastestdet } from './decoders/fastestdet.ts'
import type { Decode, Outputs, OutputTensor } from './decoders/view.ts'
import { decodeYolox } from './decoders/yolox.ts'
import type { Size } from './frame.ts'
import { fillPlanes, fitInto } from './letterbox.ts'
import { readManifest, readModel, type Manifest } from './manifest.ts'
import { suppress } from './suppress.ts'

/** Finds labelled things in single frames. Native code: it runs in the vision child, never in the gateway. */
export interface Detector {
  readonly manifest: Manifest
  /** The size at which it looks: frames scaled to fit it cost least. */
  readonly input: Size
  /** `rgb` is read before the first await; calls are worked off in turn. */
  detect(rgb: Uint8Array, width: number, height: number): Promise<Detection[]>
  close(): Promise<void>
}

const decoders: Readonly<Record<Manifest['decoder'], Decode>> = {
  centernet: decodeCenternet,
  yolox: decodeYolox,
  fastestdet: decodeFastestdet,
}

/**
 * Opens the detector that a manifest describes, on one thread: many cameras share the box with everything else.
 * @throws ConfigError for a wrong manifest; GanglionError `model-invalid` for a missing, other or unreadable model.
 */
export async function openDetector(manifestFile: string, cacheFolder: string): Promise<Detector> {
  const manifest = readManifest(manifestFile)
  const bytes = readModel(manifest, cacheFolder)
  const session = await openSession(manifest, bytes)
  const { input, labels } = manifest
  const thresholds = labels.map((label) => manifest.thresholds[label] ?? Infinity)
  const decode = decoders[manifest.decoder]
  const inputName = session.inputNames[0] ?? 'image'
  const planes = new Float32Array(3 * input.width * input.height)
  const image = new Tensor('float32', planes, [1, 3, input.height, input.width])
  let turn: Promise<unknown> = Promise.resolve()

  async function look(frame: Size & { readonly rgb: Uint8Array }): Promise<Detection[]> {
    const fit = fitInto(frame, input)
    fillPlanes(planes, frame, fit, input)
    const outputs = toOutputs(await session.run({ [inputName]: image }))
    return suppress(decode(outputs, { input, fit, labels, thresholds }), manifest.suppress)
  }

  return {
    manifest,
    input: { width: input.width, height: input.height },
    detect(rgb, width, height) {
      if (rgb.length !== width * height * 3) {
        throw new RangeError(`wanted ${width * height * 3} bytes for ${width}×${height}, got ${rgb.length}`)
      }
      const answer = turn.then(() => look({ rgb, width, height }))
      turn = answer.catch(() => undefined)
      return answer
    },
    close: async () => {
      await turn
      await session.release()
    },
  }
}

async function openSession(manifest: Manifest, bytes: Uint8Array): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(bytes, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    })
  } catch (error) {
    throw new GanglionError(
      'model-invalid',
      `${manifest.file}: onnxruntime refuses it: ${messageOf(error)}`,
      {
        cause: error,
      },
    )
  }
}

function toOutputs(results: InferenceSession.OnnxValueMapType): Outputs {
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]): [string, OutputTensor] => {
      if (!(tensor.data instanceof Float32Array || tensor.data instanceof Int32Array)) {
        throw new RangeError(`output "${name}": wanted float32 or int32, got ${tensor.type}`)
      }
      return [name, { data: tensor.data, dims: tensor.dims }]
    }),
  )
}

import type { Detection } from '../../gateway/detection.ts'
import type { Size } from '../frame.ts'
import { toFrameBox, type Fit } from '../letterbox.ts'

/** A model's output by name. */
export type Outputs = Readonly<Record<string, OutputTensor>>

export interface OutputTensor {
  readonly data: Float32Array | Int32Array
  readonly dims: readonly number[]
}

/** What a decoder needs to know to read boxes out of numbers. */
export interface View {
  readonly input: Size
  readonly fit: Fit
  readonly labels: readonly string[]
  /** By index of the label; infinite where nobody asked for it. */
  readonly thresholds: readonly number[]
}

/** Reads a model's numbers: boxes in parts of the frame, in any order, not yet suppressed. */
export type Decode = (outputs: Outputs, view: View) => Detection[]

/** A box in input pixels. */
export interface Corners {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** A detection from its numbers; nothing when its score is too low or its box lies outside the frame. */
export function toDetection(
  view: View,
  labelIndex: number,
  score: number,
  corners: () => Corners,
): Detection | undefined {
  const label = view.labels[labelIndex]
  if (label === undefined || !(score >= (view.thresholds[labelIndex] ?? Infinity))) return undefined
  const { left, top, right, bottom } = corners()
  const box = toFrameBox(view.fit, left, top, right, bottom)
  return box.width > 0 && box.height > 0 ? { label, score: Math.min(score, 1), box } : undefined
}

/** @throws RangeError when the model does not answer in the shape its decoder reads: a manifest's wrong decoder. */
export function outputOf(
  outputs: Outputs,
  name: string,
  dims: readonly (number | undefined)[],
): OutputTensor {
  const tensor = outputs[name]
  if (!tensor) throw new RangeError(`wanted an output "${name}", got ${Object.keys(outputs).join(', ')}`)
  return inShape(tensor, name, dims)
}

/** The output of a model that has one, whatever its exporter called it. */
export function onlyOutput(outputs: Outputs, dims: readonly (number | undefined)[]): OutputTensor {
  const [first, ...others] = Object.entries(outputs)
  if (!first || others.length > 0) {
    throw new RangeError(`wanted one output, got ${Object.keys(outputs).join(', ') || 'none'}`)
  }
  return inShape(first[1], first[0], dims)
}

function inShape(tensor: OutputTensor, name: string, dims: readonly (number | undefined)[]): OutputTensor {
  const isWanted =
    tensor.dims.length === dims.length &&
    dims.every((size, i) => size === undefined || size === tensor.dims[i])
  if (isWanted) return tensor
  const wanted = dims.map((size) => size ?? 'any').join(', ')
  throw new RangeError(`output "${name}": wanted [${wanted}], got [${tensor.dims.join(', ')}]`)
}

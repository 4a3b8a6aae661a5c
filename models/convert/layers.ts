import { GanglionError } from '../../base/errors.ts'
import type { OnnxGraph } from './onnx-graph.ts'
import type { TfGraph, TfNode, Weight } from './tfjs-model.ts'

/** Where a translation reads from and writes to. */
export interface Translation {
  readonly from: TfGraph
  readonly to: OnnxGraph
  /** The image input: its name in the ONNX file. */
  readonly image: string
}

/**
 * Translates a TensorFlow node and everything it needs, once, and answers with its ONNX name.
 * TensorFlow keeps channels last (NHWC), ONNX first (NCHW): weights are transposed here, pictures never.
 * @throws GanglionError `model-invalid` for an operation or form that no layer below knows.
 */
export function translate(translation: Translation, name: string, done = new Map<string, string>()): string {
  const known = done.get(name)
  if (known !== undefined) return known
  const node = translation.from.nodes.get(name)
  if (!node) throw new GanglionError('model-invalid', `the graph names "${name}", which is not in it`)
  const layer = layers[node.op]
  if (!layer) throw new GanglionError('model-invalid', `"${name}": operation ${node.op} cannot be converted`)
  const result = layer({
    node,
    to: translation.to,
    image: translation.image,
    input: (index) => translate(translation, inputName(node, index), done),
    weight: (index) => weightOf(translation.from, node, index),
  })
  done.set(name, result)
  return result
}

interface Layer {
  readonly node: TfNode
  readonly to: OnnxGraph
  readonly image: string
  /** The ONNX name of an input, translated first when need be. */
  readonly input: (index: number) => string
  readonly weight: (index: number) => Weight
}

const layers: Readonly<Record<string, (layer: Layer) => string>> = {
  Placeholder: (layer) => layer.image,
  Identity: (layer) => layer.input(0),
  Const: scalar,
  _FusedConv2D: (layer) => convolution(layer, 'full'),
  Conv2D: (layer) => convolution(layer, 'full'),
  FusedDepthwiseConv2dNative: (layer) => convolution(layer, 'depthwise'),
  DepthwiseConv2dNative: (layer) => convolution(layer, 'depthwise'),
  BiasAdd: ({ node, to, input, weight }) => {
    const { values } = weight(1)
    return to.node('Add', node.name, [
      input(0),
      to.floats(`${node.name}/bias`, [values.length, 1, 1], values),
    ])
  },
  Mul: ({ node, to, input }) => to.node('Mul', node.name, [input(0), input(1)]),
  Add: ({ node, to, input }) => to.node('Add', node.name, [input(0), input(1)]),
  Relu: ({ node, to, input }) => to.node('Relu', node.name, [input(0)]),
  Relu6: ({ node, to, input }) =>
    to.node('Clip', node.name, [input(0), to.floats('zero', [], [0]), to.floats('six', [], [6])]),
  Sigmoid: ({ node, to, input }) => to.node('Sigmoid', node.name, [input(0)]),
  Mean: mean,
  ConcatV2: concat,
  ResizeBilinear: doubled,
}

/** Only numbers without a shape fit both layouts as they are. */
function scalar({ node, to, weight }: Layer): string {
  const { shape, values } = weight(-1)
  if (values.length !== 1) throw unknownForm(node, `a constant of shape [${shape.join(', ')}]`)
  return to.floats(node.name, [], values)
}

function convolution({ node, to, input, weight }: Layer, kind: 'full' | 'depthwise'): string {
  const kernel = kind === 'full' ? fullKernel(weight(1)) : depthwiseKernel(weight(1))
  const fused = node.texts('fused_ops')
  const hasRelu = fused[1] === 'Relu'
  if (fused.some((op, at) => op !== (at === 0 ? 'BiasAdd' : 'Relu')))
    throw unknownForm(node, fused.join(' + '))
  const strides = node.numbers('strides').slice(1, 3)
  const inputs = [input(0), to.floats(`${node.name}/kernel`, kernel.dims, kernel.values)]
  if (fused.length > 0) {
    const bias = weight(2)
    inputs.push(to.floats(`${node.name}/bias`, bias.shape, bias.values))
  }
  const result = to.node('Conv', hasRelu ? `${node.name}/linear` : node.name, inputs, {
    kernel_shape: kernel.dims.slice(2),
    strides,
    group: kind === 'full' ? 1 : (kernel.dims[0] ?? 1),
    // TensorFlow pads the odd pixel at the bottom and right, whatever the picture's size.
    auto_pad: node.text('padding') === 'SAME' ? 'SAME_UPPER' : 'VALID',
  })
  return hasRelu ? to.node('Relu', node.name, [result]) : result
}

interface Kernel {
  readonly dims: readonly number[]
  readonly values: Float32Array
}

/** [height, width, in, out] → [out, in, height, width] */
function fullKernel({ shape, values }: Weight): Kernel {
  const [height = 0, width = 0, inputs = 0, outputs = 0] = shape
  const turned = new Float32Array(values.length)
  const area = height * width
  for (let at = 0; at < values.length; at++) {
    const output = at % outputs
    const input = Math.floor(at / outputs) % inputs
    const place = Math.floor(at / outputs / inputs)
    turned[(output * inputs + input) * area + place] = values[at] ?? 0
  }
  return { dims: [outputs, inputs, height, width], values: turned }
}

/** [height, width, in, multiplier] → [in × multiplier, 1, height, width] */
function depthwiseKernel({ shape, values }: Weight): Kernel {
  const [height = 0, width = 0, inputs = 0, multiplier = 0] = shape
  return fullKernel({ shape: [height, width, 1, inputs * multiplier], values })
}

function mean({ node, to, input, weight }: Layer): string {
  const axes = [...weight(1).values].join(' ')
  if (axes !== '1 2' || !node.flag('keep_dims')) throw unknownForm(node, `a mean over axes ${axes}`)
  return to.node('ReduceMean', node.name, [input(0)], { axes: [2, 3], keepdims: 1 })
}

function concat({ node, to, input, weight }: Layer): string {
  const last = node.inputs.length - 1
  const axis = weight(last).values[0]
  if (axis !== 3 && axis !== -1) throw unknownForm(node, `joined along axis ${String(axis)}`)
  const parts = Array.from({ length: last }, (_, index) => input(index))
  return to.node('Concat', node.name, parts, { axis: 1 })
}

/** The graph was frozen at 512×512 with sizes as numbers; each is twice its input, which holds at any size. */
function doubled({ node, to, input }: Layer): string {
  if (node.flag('align_corners') || node.flag('half_pixel_centers'))
    throw unknownForm(node, 'shifted corners')
  return to.node('Resize', node.name, [input(0), '', to.floats('twice', [4], [1, 1, 2, 2])], {
    mode: 'linear',
    coordinate_transformation_mode: 'asymmetric',
  })
}

function inputName(node: TfNode, index: number): string {
  const name = node.inputs[index]
  if (name === undefined) throw unknownForm(node, `${node.inputs.length} inputs`)
  return name
}

/** The constant at an input, or the node's own at -1. */
function weightOf(graph: TfGraph, node: TfNode, index: number): Weight {
  const name = index === -1 ? node.name : inputName(node, index)
  const weight = graph.weights.get(name)
  if (!weight) throw unknownForm(node, `no weights for "${name}"`)
  return weight
}

function unknownForm(node: TfNode, what: string): GanglionError {
  return new GanglionError('model-invalid', `"${node.name}": ${node.op} with ${what} cannot be converted`)
}

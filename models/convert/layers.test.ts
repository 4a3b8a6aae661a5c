import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { isGanglionError } from '../../base/errors.ts'
import { translate } from './layers.ts'
import { OnnxGraph } from './onnx-graph.ts'
import type { TfNode, Weight } from './tfjs-model.ts'

test('a convolution gives what TensorFlow gives: the kernel is turned, the odd pixel is padded at the end', async () => {
  // 1×2 kernel, two channels in and out: red + 10 × the green of the pixel to the right; and 3 × the red there.
  const kernel = weight([1, 2, 2, 2], [1, 0, 0, 0, 0, 3, 10, 0])
  const conv = node('conv', '_FusedConv2D', ['image', 'kernel', 'bias'], {
    fused_ops: ['BiasAdd', 'Relu'],
    strides: ['1', '1', '1', '1'],
    padding: 'SAME',
  })
  const image = node('image', 'Placeholder', [])
  const result = await run([image, conv], { kernel, bias: weight([2], [-25, 1]) }, 'conv', {
    dims: [1, 2, 1, 3],
    values: [1, 2, 3, 4, 5, 6],
  })
  assert.deepEqual(result, [1 + 50 - 25, 2 + 60 - 25, 0, 3 * 2 + 1, 3 * 3 + 1, 1])
})

test('a depthwise convolution keeps its channels apart', async () => {
  const depthwise = node('dw', 'DepthwiseConv2dNative', ['image', 'kernel'], {
    strides: ['1', '1', '1', '1'],
    padding: 'SAME',
  })
  const image = node('image', 'Placeholder', [])
  const result = await run([image, depthwise], { kernel: weight([1, 1, 2, 1], [2, 3]) }, 'dw', {
    dims: [1, 2, 1, 2],
    values: [1, 2, 10, 20],
  })
  assert.deepEqual(result, [2, 4, 30, 60])
})

test('an operation that no layer knows is refused by its name', () => {
  const odd = node('odd', 'FancyAttention', [])
  assert.throws(
    () => translate({ from: graph([odd], {}), to: new OnnxGraph(), image: 'image' }, 'odd'),
    (error) => isGanglionError(error, 'model-invalid') && /FancyAttention/.test(error.message),
  )
})

test('a constant with a shape is refused where only a number fits both layouts', () => {
  const add = node('add', 'Add', ['image', 'row'])
  const nodes = [node('image', 'Placeholder', []), node('row', 'Const', []), add]
  assert.throws(
    () =>
      translate(
        { from: graph(nodes, { row: weight([3], [1, 2, 3]) }), to: new OnnxGraph(), image: 'image' },
        'add',
      ),
    (error) => isGanglionError(error, 'model-invalid') && /shape \[3\]/.test(error.message),
  )
})

async function run(
  nodes: readonly TfNode[],
  weights: Readonly<Record<string, Weight>>,
  wanted: string,
  image: { readonly dims: readonly number[]; readonly values: readonly number[] },
): Promise<number[]> {
  const to = new OnnxGraph()
  to.input('image', image.dims)
  to.node('Identity', 'result', [translate({ from: graph(nodes, weights), to, image: 'image' }, wanted)])
  to.output('result', 'float', ['a', 'b', 'c', 'd'])
  const session = await InferenceSession.create(to.encode(), { intraOpNumThreads: 1 })
  const answer = await session.run({ image: new Tensor('float32', image.values, image.dims) })
  await session.release()
  return [...(answer['result']?.data as Float32Array)] // declared as float two lines above
}

function graph(
  nodes: readonly TfNode[],
  weights: Readonly<Record<string, Weight>>,
): { nodes: Map<string, TfNode>; weights: Map<string, Weight> } {
  return {
    nodes: new Map(nodes.map((one) => [one.name, one])),
    weights: new Map(Object.entries(weights)),
  }
}

function node(
  name: string,
  op: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, string | readonly string[]>> = {},
): TfNode {
  const list = (key: string): readonly string[] => {
    const value = attributes[key] ?? []
    return typeof value === 'string' ? [value] : value
  }
  return {
    name,
    op,
    inputs,
    text: (key) => list(key)[0] ?? '',
    texts: list,
    numbers: (key) => list(key).map(Number),
    flag: () => false,
  }
}

function weight(shape: readonly number[], values: readonly number[]): Weight {
  return { shape, values: Float32Array.from(values) }
}

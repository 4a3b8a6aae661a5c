import { readFileSync } from 'node:fs'
import { Type, type Static } from 'typebox'
import { GanglionError } from '../../base/errors.ts'
import { checker } from '../../base/schema.ts'

/** The parts of a TF.js graph model that a conversion needs; the rest of the file is left alone. */

const Attribute = Type.Object({
  s: Type.Optional(Type.String()),
  b: Type.Optional(Type.Boolean()),
  list: Type.Optional(
    Type.Object({
      s: Type.Optional(Type.Array(Type.String())),
      i: Type.Optional(Type.Array(Type.String())),
    }),
  ),
})

const Node = Type.Object({
  name: Type.String(),
  op: Type.String(),
  input: Type.Optional(Type.Array(Type.String())),
  attr: Type.Optional(Type.Record(Type.String(), Attribute)),
})

const WeightEntry = Type.Object({
  name: Type.String(),
  shape: Type.Array(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  dtype: Type.Enum(['float32', 'int32'] as const),
  quantization: Type.Optional(Type.Object({ dtype: Type.Enum(['float16'] as const) })),
})
type WeightEntry = Static<typeof WeightEntry>

const ModelFile = Type.Object({
  modelTopology: Type.Object({ node: Type.Array(Node) }),
  weightsManifest: Type.Array(Type.Object({ weights: Type.Array(WeightEntry) }), {
    minItems: 1,
    maxItems: 1,
  }),
})

/** A constant of the graph; 16-bit floats and integers are widened, which loses nothing at these sizes. */
export interface Weight {
  readonly shape: readonly number[]
  readonly values: Float32Array
}

/** One operation of a TensorFlow graph (NHWC). */
export interface TfNode {
  readonly name: string
  readonly op: string
  readonly inputs: readonly string[]
  text(attribute: string): string
  texts(attribute: string): readonly string[]
  numbers(attribute: string): readonly number[]
  flag(attribute: string): boolean
}

export interface TfGraph {
  readonly nodes: ReadonlyMap<string, TfNode>
  readonly weights: ReadonlyMap<string, Weight>
}

/** @throws GanglionError `model-invalid` when the files are not a graph model with 16-bit weights. */
export function readTfGraph(modelFile: string, weightsFile: string): TfGraph {
  const checked = checker(ModelFile)(JSON.parse(readFileSync(modelFile, 'utf8')))
  if (!checked.ok) {
    const first = checked.complaints[0]
    throw new GanglionError(
      'model-invalid',
      `${modelFile}: wanted a TF.js graph model; ${first?.path ?? ''} ${first?.text ?? ''}`,
    )
  }
  const entries = checked.value.weightsManifest.flatMap((group) => group.weights)
  const nodes = checked.value.modelTopology.node.map(toNode)
  return {
    nodes: new Map(nodes.map((node) => [node.name, node])),
    weights: readWeights(readFileSync(weightsFile), entries),
  }
}

function toNode(node: Static<typeof Node>): TfNode {
  const attributes = node.attr ?? {}
  const plain = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1')
  return {
    name: node.name,
    op: node.op,
    inputs: node.input ?? [],
    text: (attribute) => plain(attributes[attribute]?.s ?? ''),
    texts: (attribute) => (attributes[attribute]?.list?.s ?? []).map(plain),
    numbers: (attribute) => (attributes[attribute]?.list?.i ?? []).map(Number),
    flag: (attribute) => attributes[attribute]?.b ?? false,
  }
}

function readWeights(bytes: Buffer, entries: readonly WeightEntry[]): Map<string, Weight> {
  const weights = new Map<string, Weight>()
  let offset = 0
  for (const entry of entries) {
    const count = entry.shape.reduce((product, size) => product * size, 1)
    const width = entry.quantization ? 2 : 4
    if (offset + count * width > bytes.length) {
      throw new GanglionError(
        'model-invalid',
        `weight ${entry.name}: wanted ${count * width} bytes at ${offset}, the file has ${bytes.length}`,
      )
    }
    const values = new Float32Array(count)
    for (let i = 0; i < count; i++) {
      const at = offset + i * width
      if (entry.quantization) values[i] = halfToFloat(bytes.readUInt16LE(at))
      else values[i] = entry.dtype === 'int32' ? bytes.readInt32LE(at) : bytes.readFloatLE(at)
    }
    weights.set(entry.name, { shape: entry.shape, values })
    offset += count * width
  }
  return weights
}

/** IEEE 754 binary16. */
export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

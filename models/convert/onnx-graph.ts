import onnxProto from 'onnx-proto'

const { onnx } = onnxProto

/** Clip with a tensor bound, ReduceMean with an attribute: what the layers here are written for. */
const OPSET = 13
/** onnxruntime refuses files newer than itself; 8 is what opset 13 to 17 were released with. */
const IR_VERSION = 8

type Attributes = Readonly<Record<string, number | string | readonly number[]>>

/** An ONNX graph that grows node by node; the same calls give the same bytes. */
export class OnnxGraph {
  readonly #nodes: onnxProto.onnx.INodeProto[] = []
  readonly #constants = new Map<string, onnxProto.onnx.ITensorProto>()
  readonly #inputs: onnxProto.onnx.IValueInfoProto[] = []
  readonly #outputs: onnxProto.onnx.IValueInfoProto[] = []

  /** Adds an operation and answers with the names of its outputs, the first of which is `name`. */
  node(op: string, name: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.nodeWithOutputs(op, [name], inputs, attributes)
  }

  nodeWithOutputs(
    op: string,
    outputs: readonly [string, ...string[]],
    inputs: readonly string[],
    attributes: Attributes = {},
  ): string {
    this.#nodes.push({
      opType: op,
      name: outputs[0],
      input: [...inputs],
      output: [...outputs],
      attribute: Object.entries(attributes).map(([name, value]) => toAttribute(name, value)),
    })
    return outputs[0]
  }

  floats(name: string, dims: readonly number[], values: Float32Array | readonly number[]): string {
    const bytes = Buffer.alloc(values.length * 4)
    values.forEach((value, i) => bytes.writeFloatLE(value, i * 4))
    return this.#constant(name, dims, onnx.TensorProto.DataType.FLOAT, bytes)
  }

  int64s(name: string, values: readonly number[]): string {
    const bytes = Buffer.alloc(values.length * 8)
    values.forEach((value, i) => bytes.writeBigInt64LE(BigInt(value), i * 8))
    return this.#constant(name, [values.length], onnx.TensorProto.DataType.INT64, bytes)
  }

  input(name: string, dims: readonly (number | string)[]): void {
    this.#inputs.push(toValueInfo(name, onnx.TensorProto.DataType.FLOAT, dims))
  }

  output(name: string, type: 'float' | 'int32', dims: readonly (number | string)[]): void {
    const { FLOAT, INT32 } = onnx.TensorProto.DataType
    this.#outputs.push(toValueInfo(name, type === 'float' ? FLOAT : INT32, dims))
  }

  encode(): Uint8Array {
    const model: onnxProto.onnx.IModelProto = {
      irVersion: IR_VERSION,
      producerName: 'ganglion',
      opsetImport: [{ domain: '', version: OPSET }],
      graph: {
        name: 'detector',
        node: this.#nodes,
        initializer: [...this.#constants.values()],
        input: this.#inputs,
        output: this.#outputs,
      },
    }
    return onnx.ModelProto.encode(model).finish()
  }

  #constant(name: string, dims: readonly number[], dataType: number, rawData: Uint8Array): string {
    this.#constants.set(name, { name, dims: [...dims], dataType, rawData })
    return name
  }
}

function toAttribute(
  name: string,
  value: number | string | readonly number[],
): onnxProto.onnx.IAttributeProto {
  const { INT, INTS, STRING } = onnx.AttributeProto.AttributeType
  if (typeof value === 'number') return { name, type: INT, i: value }
  if (typeof value === 'string') return { name, type: STRING, s: Buffer.from(value, 'latin1') }
  return { name, type: INTS, ints: [...value] }
}

/** A size that is a word may differ from run to run: 512×288 and 512×512 are the same file. */
function toValueInfo(
  name: string,
  elemType: number,
  dims: readonly (number | string)[],
): onnxProto.onnx.IValueInfoProto {
  const dim = dims.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }))
  return { name, type: { tensorType: { elemType, shape: { dim } } } }
}

import { OnnxGraph } from './onnx-graph.ts'
import { translate } from './layers.ts'
import { readTfGraph } from './tfjs-model.ts'

/** How many peaks of the heat map leave the graph; a camera's picture holds far fewer vehicles. */
const PEAKS = 100

/**
 * CenterNet's TF.js files → one ONNX file, NCHW, any height and width that 32 divides.
 * in: `image` 1×3×H×W, RGB 0–255.
 * out: `scores` 1×100 falling; `places` 1×100, index into 80×(H/4)×(W/4);
 * `sides` 1×4×(H/4)×(W/4), pixels from a place to the left, top, right and bottom of its box.
 */
export function centernetToOnnx(modelFile: string, weightsFile: string): Uint8Array {
  const from = readTfGraph(modelFile, weightsFile)
  const to = new OnnxGraph()
  const done = new Map<string, string>()
  to.input('image', [1, 3, 'height', 'width'])
  const heat = translate({ from, to, image: 'image' }, 'tower_0/keypoints', done)
  const sides = translate({ from, to, image: 'image' }, 'tower_0/wh', done)

  // A peak is a cell that its 3×3 neighbourhood does not beat. Done in the graph: 1,000,000 cells stay there.
  const crest = to.node('MaxPool', 'crest', [heat], {
    kernel_shape: [3, 3],
    strides: [1, 1],
    auto_pad: 'SAME_UPPER',
  })
  const isPeak = to.node('Equal', 'is_peak', [heat, crest])
  const mask = to.node('Cast', 'mask', [isPeak], { to: 1 })
  const peaks = to.node('Mul', 'peaks', [heat, mask])
  const row = to.node('Reshape', 'row', [peaks, to.int64s('row_shape', [1, -1])])
  to.nodeWithOutputs('TopK', ['scores', 'places_wide'], [row, to.int64s('peak_count', [PEAKS])], { axis: 1 })
  to.node('Cast', 'places', ['places_wide'], { to: 6 })
  to.node('Identity', 'sides', [sides])

  to.output('scores', 'float', [1, PEAKS])
  to.output('places', 'int32', [1, PEAKS])
  to.output('sides', 'float', [1, 4, 'rows', 'columns'])
  return to.encode()
}

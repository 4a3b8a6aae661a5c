import type { Detection } from '../../gateway/detection.ts'
import { onlyOutput, toDetection, type Outputs, type OutputTensor, type View } from './view.ts'

const STRIDES = [8, 16, 32]
/** Centre x, y, log width, log height, objectness; then one score a label. */
const HEAD = 5

/** YOLOX (1×cells×(5+labels)): three grids one after the other, centres relative to their cell. */
export function decodeYolox(outputs: Outputs, view: View): Detection[] {
  const { width, height } = view.input
  const cells = STRIDES.reduce((sum, stride) => sum + (width / stride) * (height / stride), 0)
  const row = HEAD + view.labels.length
  const { data } = onlyOutput(outputs, [1, cells, row])
  const least = Math.min(...view.thresholds)

  const found: Detection[] = []
  let at = 0
  for (const stride of STRIDES) {
    for (let gridY = 0; gridY < height / stride; gridY++) {
      for (let gridX = 0; gridX < width / stride; gridX++, at += row) {
        const objectness = data[at + 4] ?? 0
        if (objectness < least) continue
        const best = strongest(data, at + HEAD, view.labels.length)
        const start = at
        const detection = toDetection(view, best, objectness * (data[at + HEAD + best] ?? 0), () => {
          const centreX = ((data[start] ?? 0) + gridX) * stride
          const centreY = ((data[start + 1] ?? 0) + gridY) * stride
          const halfWidth = (Math.exp(data[start + 2] ?? 0) * stride) / 2
          const halfHeight = (Math.exp(data[start + 3] ?? 0) * stride) / 2
          return {
            left: centreX - halfWidth,
            top: centreY - halfHeight,
            right: centreX + halfWidth,
            bottom: centreY + halfHeight,
          }
        })
        if (detection) found.push(detection)
      }
    }
  }
  return found
}

/** The index of the greatest of `count` numbers. */
function strongest(data: OutputTensor['data'], from: number, count: number): number {
  let best = 0
  for (let i = 1; i < count; i++) if ((data[from + i] ?? 0) > (data[from + best] ?? 0)) best = i
  return best
}

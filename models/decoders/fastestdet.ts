import type { Detection } from '../../gateway/detection.ts'
import { onlyOutput, toDetection, type Outputs, type View } from './view.ts'

/** The grid has one cell for 16×16 input pixels. */
const STRIDE = 16
/** Objectness, offset x, y, width, height; then one score a label. */
const HEAD = 5

/** FastestDet (1×(5+labels)×rows×columns): one grid, one box a cell, offsets and sizes in parts of the input. */
export function decodeFastestdet(outputs: Outputs, view: View): Detection[] {
  const rows = view.input.height / STRIDE
  const columns = view.input.width / STRIDE
  const cells = rows * columns
  const { data } = onlyOutput(outputs, [1, HEAD + view.labels.length, rows, columns])

  const found: Detection[] = []
  for (let cell = 0; cell < cells; cell++) {
    const value = (channel: number): number => data[channel * cells + cell] ?? 0
    let best = 0
    for (let i = 1; i < view.labels.length; i++) if (value(HEAD + i) > value(HEAD + best)) best = i
    const score = value(0) ** 0.6 * value(HEAD + best) ** 0.4
    const detection = toDetection(view, best, score, () => {
      const centreX = ((cell % columns) + Math.tanh(value(1))) * STRIDE
      const centreY = (Math.floor(cell / columns) + Math.tanh(value(2))) * STRIDE
      const halfWidth = (sigmoid(value(3)) * view.input.width) / 2
      const halfHeight = (sigmoid(value(4)) * view.input.height) / 2
      return {
        left: centreX - halfWidth,
        top: centreY - halfHeight,
        right: centreX + halfWidth,
        bottom: centreY + halfHeight,
      }
    })
    if (detection) found.push(detection)
  }
  return found
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

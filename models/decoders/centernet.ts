import type { Detection } from '../../gateway/detection.ts'
import { outputOf, toDetection, type Outputs, type View } from './view.ts'

/** The heat map has one cell for 4×4 input pixels. */
const STRIDE = 4

/** Reads the peaks that the converted graph leaves: see `convert/centernet.ts` for its outputs. */
export function decodeCenternet(outputs: Outputs, view: View): Detection[] {
  const rows = view.input.height / STRIDE
  const columns = view.input.width / STRIDE
  const cells = rows * columns
  const scores = outputOf(outputs, 'scores', [1, undefined]).data
  const places = outputOf(outputs, 'places', [1, scores.length]).data
  const sides = outputOf(outputs, 'sides', [1, 4, rows, columns]).data

  const found: Detection[] = []
  for (let peak = 0; peak < scores.length; peak++) {
    const place = places[peak] ?? 0
    const cell = place % cells
    const x = (cell % columns) * STRIDE
    const y = Math.floor(cell / columns) * STRIDE
    const side = (index: number): number => sides[index * cells + cell] ?? 0
    const detection = toDetection(view, Math.floor(place / cells), scores[peak] ?? 0, () => ({
      left: x - side(0),
      top: y - side(1),
      right: x + side(2),
      bottom: y + side(3),
    }))
    if (detection) found.push(detection)
  }
  return found
}

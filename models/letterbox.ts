import type { Box } from '../gateway/detection.ts'
import type { Frame, Size } from './frame.ts'
import type { Manifest } from './manifest.ts'

type Input = Manifest['input']

/** Where a frame lies in a detector's input, in input pixels. */
export interface Fit extends Size {
  readonly left: number
  readonly top: number
}

export function fitInto(frame: Size, input: Input): Fit {
  if (input.fit === 'stretch') return { left: 0, top: 0, width: input.width, height: input.height }
  const scale = Math.min(input.width / frame.width, input.height / frame.height)
  const width = Math.min(input.width, Math.round(frame.width * scale))
  const height = Math.min(input.height, Math.round(frame.height * scale))
  if (input.fit === 'letterbox-top-left') return { left: 0, top: 0, width, height }
  return { left: (input.width - width) >> 1, top: (input.height - height) >> 1, width, height }
}

/** A box in input pixels, back in parts of the frame and cut at its edges. */
export function toFrameBox(fit: Fit, left: number, top: number, right: number, bottom: number): Box {
  const x = part(left - fit.left, fit.width)
  const y = part(top - fit.top, fit.height)
  return {
    x,
    y,
    width: part(right - fit.left, fit.width) - x,
    height: part(bottom - fit.top, fit.height) - y,
  }
}

function part(pixels: number, whole: number): number {
  return Math.min(1, Math.max(0, pixels / whole))
}

/**
 * Lays a frame into `planes` (3 × height × width floats, reused from frame to frame) as the manifest wants it.
 * Bilinear: right for the small steps a camera child leaves (640×360 → 512×288); let its scaler do the large ones.
 */
export function fillPlanes(planes: Float32Array, frame: Frame, fit: Fit, input: Input): void {
  const area = input.width * input.height
  const unit = input.range === '0-1' ? 1 / 255 : 1
  const red = input.colours === 'rgb' ? 0 : 2 * area
  const green = area
  const blue = input.colours === 'rgb' ? 2 * area : 0
  if (fit.width < input.width || fit.height < input.height) planes.fill(input.pad * unit)

  const { rgb } = frame
  const across = taps(frame.width, fit.width)
  const down = taps(frame.height, fit.height)
  const stride = frame.width * 3
  for (let y = 0; y < fit.height; y++) {
    const upper = (down.first[y] ?? 0) * stride
    const lower = (down.second[y] ?? 0) * stride
    const low = down.share[y] ?? 0
    let to = (fit.top + y) * input.width + fit.left
    for (let x = 0; x < fit.width; x++, to++) {
      const left = (across.first[x] ?? 0) * 3
      const right = (across.second[x] ?? 0) * 3
      const far = across.share[x] ?? 0
      planes[red + to] = mix(rgb, upper + left, upper + right, lower + left, lower + right, far, low) * unit
      planes[green + to] =
        mix(rgb, upper + left + 1, upper + right + 1, lower + left + 1, lower + right + 1, far, low) * unit
      planes[blue + to] =
        mix(rgb, upper + left + 2, upper + right + 2, lower + left + 2, lower + right + 2, far, low) * unit
    }
  }
}

function mix(
  bytes: Uint8Array,
  a: number,
  b: number,
  c: number,
  d: number,
  far: number,
  low: number,
): number {
  const upper = (bytes[a] ?? 0) * (1 - far) + (bytes[b] ?? 0) * far
  const lower = (bytes[c] ?? 0) * (1 - far) + (bytes[d] ?? 0) * far
  return upper * (1 - low) + lower * low
}

/** For each target pixel the two source pixels it lies between, and how much of the second it takes. */
function taps(from: number, to: number): { first: Int32Array; second: Int32Array; share: Float32Array } {
  const first = new Int32Array(to)
  const second = new Int32Array(to)
  const share = new Float32Array(to)
  for (let i = 0; i < to; i++) {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5))
    first[i] = Math.floor(at)
    second[i] = Math.min(from - 1, Math.floor(at) + 1)
    share[i] = at - Math.floor(at)
  }
  return { first, second, share }
}

import { Resvg } from '@resvg/resvg-js'

/** Scenes are drawn on a sheet of this size, whatever size the picture has in the end. */
export const sheet = { width: 640, height: 360 } as const

/** One picture: three bytes a pixel, red first. */
export interface Drawing {
  readonly width: number
  readonly height: number
  readonly rgb: Uint8Array
}

/** Renders what stands on the sheet. No system font is read, so every machine draws the same. */
export function render(content: string, width: number, height: number): Drawing {
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${sheet.width} ${sheet.height}" preserveAspectRatio="none">${content}</svg>`
  const image = new Resvg(svg, { font: { loadSystemFonts: false }, background: '#808080' }).render()
  const rgba = image.pixels
  const rgb = new Uint8Array(width * height * 3)
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from] ?? 0
    rgb[to + 1] = rgba[from + 1] ?? 0
    rgb[to + 2] = rgba[from + 2] ?? 0
  }
  return { width, height, rgb }
}

/** `count` pieces of SVG, one for each number from 0. */
export function repeat(count: number, piece: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => piece(index)).join('')
}

export interface Size {
  readonly width: number
  readonly height: number
}

/** One decoded picture: three bytes a pixel, red first, row by row without gaps. */
export interface Frame extends Size {
  readonly rgb: Uint8Array
}

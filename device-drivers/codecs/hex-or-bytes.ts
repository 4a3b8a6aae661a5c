/** What a device sent as bytes: clouds hand it on as it is, or as the text of its hex digits. */
export function bytesOfHexText(payload: Uint8Array, isFrame: (bytes: Uint8Array) => boolean): Uint8Array {
  if (isFrame(payload)) return payload
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('latin1').trim()
  return /^([0-9A-Fa-f]{2})+$/.test(text) ? Buffer.from(text, 'hex') : payload
}

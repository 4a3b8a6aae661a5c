/** Where something listens. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** `127.0.0.1:1883`, `[::1]:1883`; undefined for anything else. Port 0 lets the system choose. */
export function parseHostPort(text: string): HostPort | undefined {
  const at = text.lastIndexOf(':')
  const host = text.slice(0, at).replace(/^\[(.*)\]$/, '$1')
  const port = text.slice(at + 1)
  return at < 1 || host === '' || !/^\d{1,5}$/.test(port) || Number(port) > 65_535
    ? undefined
    : { host, port: Number(port) }
}

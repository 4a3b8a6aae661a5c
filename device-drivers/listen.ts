import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { parseHostPort } from '../base/address.ts'
import { GanglionError, codeOf } from '../base/errors.ts'

export interface Listening {
  readonly server: Server
  /** address:port, with the port that the system chose for 0. */
  readonly address: string
  /** Ends the listening and every connection. */
  close(): Promise<void>
}

/**
 * Listens and hands every connection on; all of them end with `close`.
 * @throws GanglionError `listen-failed`
 */
export function listen(
  text: string,
  maxConnections: number,
  onSocket: (socket: Socket) => void,
): Promise<Listening> {
  const at = parseHostPort(text)
  if (!at) throw new GanglionError('config-invalid', `wanted address:port to listen on; got "${text}"`)
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    onSocket(socket)
  })
  server.maxConnections = maxConnections
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new GanglionError('listen-failed', `cannot listen on ${text} (${codeOf(error)})`, {
          retry: 'later',
          hint: 'Another program has this port, or this machine has no such address.',
          cause: error,
        }),
      ),
    )
    server.listen({ ...at, backlog: 2048 }, () => {
      const bound = server.address() as AddressInfo // an IP socket, by the call above
      resolve({
        server,
        address:
          bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed())
            for (const socket of sockets) socket.destroy()
          }),
      })
    })
  })
}

/** Resolves when the signal is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

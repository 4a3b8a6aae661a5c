import type { Fields } from '../../gateway/ports.ts'

/** What came out of a TCP connection that a device opened to us. */
export type TcpEvent =
  | {
      readonly is: 'message'
      /** The device as its site file names it. */
      readonly address: string
      readonly fields: Fields
      /** Sent back once the message is committed. */
      readonly answer?: Uint8Array
      readonly complaint?: string
    }
  /** The line lives and says nothing. */
  | { readonly is: 'alive' }
  | { readonly is: 'rubbish'; readonly bytes: number }

/** One connection's side of a protocol: bytes in, events out, nothing else. */
export interface TcpSession {
  push(chunk: Uint8Array): readonly TcpEvent[]
  /** The line has been quiet: an unfinished frame will not be finished. */
  giveUp(): readonly TcpEvent[]
}

/** A protocol whose devices dial in. All of them share one port: the first bytes tell which it is. */
export interface TcpProtocol {
  readonly name: string
  /** Can a connection of this protocol begin with this byte? */
  beginsWith(byte: number): boolean
  open(): TcpSession
}

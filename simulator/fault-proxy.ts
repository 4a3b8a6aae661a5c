import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { Random } from './random.ts'

/** What the proxy can do to the bytes that flow towards the gateway. */
export const wireFaults = [
  'refuse',
  'reset',
  'stall',
  'delay',
  'trickle',
  'cut',
  'garbage',
  'duplicate',
] as const
export type WireFault = (typeof wireFaults)[number]

export const isWireFault = (name: string): name is WireFault => wireFaults.some((known) => known === name)

export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface FaultProxy {
  /** The port it listens on. */
  readonly port: number
  setFault(name: WireFault | undefined): Promise<void>
  stop(): Promise<void>
}

export interface FaultProxyOptions {
  /** Port 0: any free one. */
  readonly listen: Endpoint
  readonly target: Endpoint
  /** Which end is the gateway: `target` for devices that dial it, `caller` for those that it dials. */
  readonly gateway: 'target' | 'caller'
  readonly clock: Clock
  readonly random: Random
}

const DELAY_MS = 800
const TRICKLE_MS = 5
/** A message of every protocol here is longer than this, so the cut falls into one. */
const CUT_AFTER_BYTES = 7

/** A TCP proxy that can misbehave; without a fault it hands bytes on as they come. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { target, clock, random } = options
  const pairs = new Set<readonly [Socket, Socket]>()
  let fault: WireFault | undefined
  let port = options.listen.port

  const server: Server = createServer((caller) => {
    const onward = connect({ host: target.host, port: target.port })
    const pair = [caller, onward] as const
    pairs.add(pair)
    for (const [socket, other] of [pair, [onward, caller] as const]) {
      socket.setNoDelay(true)
      // Each end learns of the other's end; why a socket broke does not matter to a proxy.
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        pairs.delete(pair)
        other.destroy()
      })
    }
    const [device, gateway] = options.gateway === 'target' ? [caller, onward] : [onward, caller]
    gateway.on('data', (chunk: Buffer) => {
      if (fault !== 'stall') device.write(chunk)
    })
    const pass = disturbed(device, gateway, clock, random)
    device.on('data', (chunk: Buffer) => pass(chunk, fault))
    if (fault === 'reset') caller.resetAndDestroy()
  })

  const open = async (): Promise<void> => {
    await listen(server, { host: options.listen.host, port })
    const address = server.address()
    if (typeof address === 'object' && address) port = address.port
  }
  const close = async (): Promise<void> => {
    const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined
    for (const [caller, onward] of pairs) {
      caller.destroy()
      onward.destroy()
    }
    await closed
  }
  await open()
  return {
    get port() {
      return port
    },
    async setFault(name) {
      const before = fault
      fault = name
      if (name === 'refuse') await close()
      else if (before === 'refuse') await open()
      // What is stuck in a stalled connection would never come again: both ends must notice.
      else if (before === 'stall') for (const [caller] of pairs) caller.destroy()
      else if (name === 'reset') for (const [caller] of pairs) caller.resetAndDestroy()
    },
    stop: close,
  }
}

/** Hands the device's bytes to the gateway, in order, as the fault of the moment wants it. */
function disturbed(
  device: Socket,
  gateway: Socket,
  clock: Clock,
  random: Random,
): (chunk: Buffer, fault: WireFault | undefined) => void {
  // One line of work, so that bytes never overtake each other when the fault changes.
  let turn = Promise.resolve()
  const wait = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))
  const send = async (chunk: Buffer, fault: WireFault | undefined, due: number): Promise<void> => {
    if (gateway.destroyed) return
    switch (fault) {
      case undefined:
        gateway.write(chunk)
        return
      case 'refuse':
      case 'stall':
        return
      case 'reset':
        gateway.resetAndDestroy()
        device.resetAndDestroy()
        return
      case 'delay':
        await wait(due - clock.ticks())
        gateway.write(chunk)
        return
      case 'trickle':
        for (const byte of chunk) {
          gateway.write(Buffer.of(byte))
          await wait(TRICKLE_MS)
        }
        return
      case 'cut':
        gateway.end(chunk.subarray(0, Math.min(CUT_AFTER_BYTES, chunk.length - 1)))
        device.destroy()
        return
      case 'garbage':
        gateway.write(random.bytes(random.between(1, 40)))
        gateway.write(chunk)
        return
      case 'duplicate':
        gateway.write(chunk)
        gateway.write(chunk)
        return
    }
  }
  return (chunk, fault) => {
    const due = clock.ticks() + DELAY_MS
    turn = turn.then(() => send(chunk, fault, due))
  }
}

function listen(server: Server, { host, port }: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

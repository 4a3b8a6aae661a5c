import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import type { FaultName } from '../faults.ts'
import type { Random } from '../random.ts'

const TRICKLE_MS = 5

/**
 * Writes frames to one connection, in order, as the fault of the moment wants it. The frame itself always
 * comes, behind the rubbish: what the fault must not cost is the next good frame.
 */
export function disturbedWriter(
  socket: Socket,
  { random, clock }: { readonly random: Random; readonly clock: Clock },
): (bytes: Uint8Array, fault: FaultName | undefined) => void {
  const isOpen = (): boolean => socket.writable
  const pause = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))
  const send = async (bytes: Uint8Array, fault: FaultName | undefined): Promise<void> => {
    if (!isOpen()) return
    if (fault === 'tcp-trickle') {
      for (const byte of bytes) {
        if (!isOpen()) return
        socket.write(Uint8Array.of(byte))
        await pause(TRICKLE_MS)
      }
      return
    }
    if (fault === 'tcp-bad-length') socket.write(withWrongLength(bytes, random))
    if (fault === 'tcp-bad-sum') socket.write(withWrongSum(bytes))
    if (fault === 'tcp-noise') socket.write(random.bytes(random.between(1, 60)))
    socket.write(bytes)
  }
  let turn = Promise.resolve()
  return (bytes, fault) => {
    turn = turn.then(() => send(bytes, fault))
  }
}

/** A length that lies: a little too long (it swallows what follows), or far beyond any frame. */
function withWrongLength(bytes: Uint8Array, random: Random): Uint8Array {
  const wrong = Buffer.from(bytes)
  if (wrong.length < 5) return wrong
  wrong.writeUInt16LE(random.next() < 0.5 ? wrong.readUInt16LE(3) + 3 : 0xfff0, 3)
  return wrong
}

function withWrongSum(bytes: Uint8Array): Uint8Array {
  const wrong = Buffer.from(bytes)
  const last = wrong.length - 1
  wrong[last] = (wrong[last] ?? 0) ^ 0x5a
  return wrong
}

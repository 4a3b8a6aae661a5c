import { createReadStream } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import type { Measurement, Run } from '../area.ts'
import { withProduct } from '../product.ts'
import { durableAcknowledgements, parseTrace, type Durable } from '../strace.ts'

/** Each sends one alarm; at least 500 must be seen. */
const DEVICES = 520
const LEAST = 500
const PER_SECOND = 200
const CONNECTIONS_PER_SECOND = 1000
const calls = 'read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync'

/** By the kernel's own account: no alarm is acknowledged before a sync of the write-ahead log that began after it. */
export const fsync: Measurement = {
  rows: ['fsync-before-ack'],
  kind: 'counts',
  async run(run) {
    if (spawnSync('strace', ['-V']).status !== 0) {
      run.say('skipped: fsync-before-ack wants the Debian package strace')
      return []
    }
    run.say(`${DEVICES} alarms under strace, with full sync and without`)
    const full = await trace(run, 'full')
    const off = await trace(run, 'off')
    const share = ({ seen, durable }: Durable): number => (seen === 0 ? 0 : (durable / seen) * 100)
    return [
      {
        name: 'fsync-before-ack',
        value: share(full),
        // A check that cannot fail proves nothing: without sync it has to.
        holds: full.seen >= LEAST && off.seen >= LEAST && share(off) < 100,
        notes: {
          messages: DEVICES,
          devices: DEVICES,
          fsyncMs: run.fsyncMs,
          cpu: {},
          said: [
            `${full.durable} of ${full.seen} acknowledgements seen came after a sync of the log that began after their message was read; with synchronous=OFF ${off.durable} of ${off.seen}`,
          ],
        },
      },
    ]
  },
}

async function trace(run: Run, sync: 'full' | 'off'): Promise<Durable> {
  const out = join(run.newFolder(`fsync-${sync}`), 'trace')
  const under = [
    'strace',
    '-f',
    '-yy',
    '-ttt',
    '-xx',
    '-s',
    '4',
    '--seccomp-bpf',
    '-e',
    `trace=${calls}`,
    '-o',
    out,
  ]
  const port = await withProduct(
    { run, name: `fsync-${sync}`, plan: { smokeAlarms: DEVICES }, wish: { sync, under } },
    async (product) => {
      await product.connect('clean', CONNECTIONS_PER_SECOND)
      await product.sender.send({ perSecond: PER_SECOND, seconds: DEVICES / PER_SECOND, cycle: 1 })
      return product.box.ports.mqtt
    },
  )
  const lines: string[] = []
  for await (const line of createInterface({ input: createReadStream(out) })) lines.push(line)
  return durableAcknowledgements(parseTrace(lines), port)
}

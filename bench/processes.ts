import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts CPU time in hundredths of a second, on every architecture that Node runs on. */
const TICK_MS = 10

/** CPU time that a process has used, in ms; 0 when it is gone. */
export const cpuMs = (pid: number): number => ticksIn(`/proc/${pid}/stat`) * TICK_MS

/** As `cpuMs` for its main thread alone, on which the event loop runs. */
export const mainThreadMs = (pid: number): number => ticksIn(`/proc/${pid}/task/${pid}/stat`) * TICK_MS

function ticksIn(file: string): number {
  try {
    return parseTicks(readFileSync(file, 'utf8'))
  } catch {
    return 0 // it ended
  }
}

/** utime + stime of a `stat` line; the command's name may contain anything but ends at the last bracket. */
export function parseTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

/** Resident memory of a process in MB; 0 when it is gone. */
export function rssMb(pid: number): number {
  try {
    const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kb ?? 0) / 1024
  } catch {
    return 0
  }
}

export const childrenOf = (pid: number): readonly number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )

/** Shares of one core in %, by name, between `start` and the call of the answer. */
export function watchCpu(pids: Readonly<Record<string, number>>): () => Readonly<Record<string, number>> {
  const startedAt = performance.now()
  const read = (): readonly (readonly [string, number])[] =>
    Object.entries(pids).flatMap(([name, pid]) => [
      [name, cpuMs(pid)] as const,
      ...(name === 'gateway' ? [['gateway main thread', mainThreadMs(pid)] as const] : []),
    ])
  const before = new Map(read())
  return () => {
    const spanMs = performance.now() - startedAt
    return Object.fromEntries(
      read().map(([name, ms]) => [name, ((ms - (before.get(name) ?? 0)) / spanMs) * 100]),
    )
  }
}

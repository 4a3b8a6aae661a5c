import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts CPU time in hundredths of a second, on every architecture that Node runs on. */
const TICK_MS = 10
const MAIN_THREAD = 'gateway main thread'

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

/** What a process has given to the disk, in MB: a card wears out by it. */
export function writtenMb(pid: number): number {
  try {
    const bytes = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]
    return Number(bytes ?? 0) / 1024 ** 2
  } catch {
    return 0
  }
}

export const childrenOf = (pid: number): readonly number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )

/** CPU time that the whole machine has worked, in ms; what a hypervisor took away counts as work of others. */
function machineMs(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (
    readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .map(Number)
  return (user + nice + system + irq + softirq + steal) * TICK_MS
}

/**
 * Shares of one core in %, by name, between this call and the call of the answer. `others` is what everything else on
 * the machine took: where it is much, the figures beside it say little.
 */
export function watchCpu(pids: Readonly<Record<string, number>>): () => Readonly<Record<string, number>> {
  const startedAt = performance.now()
  const read = (): readonly (readonly [string, number])[] =>
    Object.entries(pids).flatMap(([name, pid]) => [
      [name, cpuMs(pid)] as const,
      ...(name === 'gateway' ? [[MAIN_THREAD, mainThreadMs(pid)] as const] : []),
    ])
  const machineBefore = machineMs()
  const before = new Map(read())
  return () => {
    const spanMs = performance.now() - startedAt
    const shares = read().map(
      ([name, ms]) => [name, ((ms - (before.get(name) ?? 0)) / spanMs) * 100] as const,
    )
    const machine = ((machineMs() - machineBefore) / spanMs) * 100
    const own = shares.reduce((sum, [name, share]) => (name === MAIN_THREAD ? sum : sum + share), 0)
    return { ...Object.fromEntries(shares), others: Math.max(0, machine - own) }
  }
}

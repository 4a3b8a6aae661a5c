import type { BoxFolder } from './box-folder.ts'
import { makerOf } from './faults.ts'
import { PLATFORM, targetOf, type Happening } from './scenario.ts'

/** The wire that a device (or the platform) hangs on: devices behind one bridge or one port share theirs. */
export function wireOf(box: BoxFolder, name: string): string {
  const via = box.devices.find((device) => device.id === name)?.via
  if (via?.kind === 'mqtt' && via.bridge !== undefined) return via.bridge
  if (via?.kind === 'modbus') return `${via.endpoint.host}:${via.endpoint.port}`
  return name
}

/** The wires that the time line will disturb: those get a proxy. */
export function disturbedWires(box: BoxFolder, timeline: readonly Happening[]): ReadonlySet<string> {
  return new Set(
    timeline.flatMap((happening) => {
      if (happening.kind !== 'fault') return []
      const target = targetOf(happening.on, { box })
      if (target === undefined || makerOf(happening.name, target) !== 'wire') return []
      return [happening.on === PLATFORM ? PLATFORM : wireOf(box, happening.on)]
    }),
  )
}

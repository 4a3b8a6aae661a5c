import type { Box } from './config.ts'
import type { Device } from './device.ts'
import { bindRules, type DevicePlan, type Slot } from './slots.ts'

/** The rules of one practising device, with a memory of their own. */
export interface DrillPlan {
  readonly plan: DevicePlan
  readonly slots: readonly Slot[]
}

/**
 * Binds the rules anew for one device alone, as if all its cases were drills. It shares no memory with the rules in
 * earnest: a fire at a second detector of the same place is raised while the first one is being tried, and what the
 * first one says is never taken for real.
 */
export function drillPlan(
  box: Pick<Box, 'sites' | 'rules' | 'catalogue' | 'devices'>,
  deviceId: string,
): DrillPlan | undefined {
  const site = box.sites.find(({ devices }) => devices.some(({ id }) => id === deviceId))
  const device = site?.devices.find(({ id }) => id === deviceId)
  if (!site || !device) return undefined
  const practising: Device = { ...device, drillOnly: true }
  const alone = { ...site, devices: [practising] }
  const { byDevice, slots } = bindRules({
    rules: box.rules,
    catalogue: box.catalogue,
    sites: [alone],
    devices: new Map([...box.devices, [deviceId, practising]]),
  })
  const plan = byDevice.get(deviceId)
  return plan && { plan: { ...plan, site }, slots }
}

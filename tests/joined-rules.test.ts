import assert from 'node:assert/strict'
import { test } from 'node:test'
import { demoFolder, shippedRooms } from '../commands/rooms.ts'
import { loadBox } from '../gateway/config.ts'
import { bindRules } from '../gateway/slots.ts'

test('a rule that joins several things is bound only at a site that can say all of them', async () => {
  const rooms = await shippedRooms()
  const demo = await loadBox(demoFolder, rooms)
  const [first] = demo.rules.filter((rule) => rule.needsAll.length > 0 && rule.per === 'site')
  assert.ok(first)
  const shed = demo.sites.find((site) => first.appliesTo(site.file.kind))
  assert.ok(shed)
  // The demo's shed has smoke and currents, and no camera.
  const bound = (box: typeof demo): number => bindRules(box).slots.filter(({ rule }) => rule === first).length
  assert.equal(bound(demo), 0)
  const camera = [...demo.devices.values()].find(({ zones }) => zones.length > 0)
  assert.ok(camera)
  const here = {
    ...camera,
    siteId: shed.id,
    zones: camera.zones.map((zone) => ({ ...zone, use: 'aisle' as const })),
  }
  const sites = demo.sites.map((site) =>
    site === shed ? { ...site, devices: [...site.devices, here] } : { ...site, devices: [] },
  )
  assert.equal(bound({ ...demo, sites }), 1)
})

import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock } from '../base/clock.ts'
import http from '../cloud-bridge/connectors/http.ts'
import { startPlatform } from '../simulator/platform.ts'
import { signerOf } from '../wire/http-signature.ts'
import { connectorSuite, type Rig } from './connector-suite.ts'

/** The HTTP connector against the simulator's platform: two codes that share the contract and nothing else. */
connectorSuite('http', async (): Promise<Rig> => {
  const clock = new FakeClock()
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-keys-'))
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const keyFile = join(folder, 'box.public.pem')
  writeFileSync(keyFile, publicKey.export({ type: 'spki', format: 'pem' }))
  const platform = await startPlatform({ host: '127.0.0.1', port: 0, keys: { 'box-1': keyFile }, clock })
  const connector = http.create({
    id: 'city',
    boxId: 'box-1',
    clock,
    settings: { url: platform.url },
    sign: (base) => signerOf(privateKey).sign(base),
    secret: () => '',
  })
  return {
    connector,
    clock,
    received: () => platform.received(),
    requests: () => platform.counters().requests,
    setFault: (fault) => platform.setFault(fault),
    async stop() {
      await platform.stop()
      rmSync(folder, { recursive: true })
    },
  }
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import mqtt, { type Packet } from 'mqtt-packet'
import { Link, publishTemplate } from './link.ts'

const servers: Server[] = []
after(() => {
  for (const server of servers) server.close()
})

/** A broker that notes packets and answers nothing by itself. */
async function broker(heard: (packet: Packet, socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    const parser = mqtt.parser()
    parser.on('packet', (packet) => heard(packet, socket))
    socket.on('data', (chunk) => parser.parse(chunk))
    socket.on('error', () => undefined)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port // it listens on TCP
}

const connack = Buffer.from([0x20, 2, 0, 0])
const puback = (id: number): Buffer => Buffer.from([0x40, 2, id >> 8, id & 0xff])

test('a packet made before carries its own id, whatever the length of its topic', () => {
  for (const topic of ['a', 'x'.repeat(300)]) {
    const { bytes, idAt } = publishTemplate(topic, '{"smoke":true}')
    const packet = Buffer.from(bytes)
    packet.writeUInt16BE(4711, idAt)
    const parser = mqtt.parser()
    let parsed: Packet | undefined
    parser.on('packet', (found) => (parsed = found))
    parser.parse(packet)
    assert.ok(parsed?.cmd === 'publish')
    assert.equal(parsed.messageId, 4711)
    assert.equal(parsed.topic, topic)
    assert.equal(String(parsed.payload), '{"smoke":true}')
  }
})

test('acknowledgements that come in pieces are told apart', async () => {
  const port = await broker((packet, socket) => {
    if (packet.cmd === 'connect') socket.write(connack)
    if (packet.cmd !== 'publish' || packet.messageId !== 2) return
    socket.write(Buffer.concat([puback(2), puback(1)]).subarray(0, 5))
    setImmediate(() => socket.write(puback(1).subarray(1)))
  })
  const acks: number[] = []
  await new Promise<void>((resolve) => {
    const link = new Link({
      port,
      account: 'a',
      secret: 's',
      session: 'clean',
      againMs: 1,
      onAck: (tag) => {
        if (acks.push(tag) < 2) return
        link.close()
        resolve()
      },
      onConnect: () => {
        link.publish(publishTemplate('t', '1'), 11)
        link.publish(publishTemplate('t', '2'), 22)
      },
      onBroken: () => undefined,
    })
    link.dial()
  })
  assert.deepEqual(acks, [22, 11])
})

test('a kept session sends again, as a duplicate, what was not acknowledged', async () => {
  const heard: Packet[] = []
  let connections = 0
  const port = await broker((packet, socket) => {
    if (packet.cmd === 'connect') {
      connections++
      socket.write(connack)
      return
    }
    heard.push(packet)
    if (connections === 1) socket.destroy()
    else socket.write(puback(1))
  })
  await new Promise<void>((resolve) => {
    const link = new Link({
      port,
      account: 'a',
      secret: 's',
      session: 'kept',
      againMs: 1,
      onAck: () => {
        link.close()
        resolve()
      },
      onConnect: () => undefined,
      onBroken: () => undefined,
    })
    link.dial()
    link.publish(publishTemplate('t', '1'), 1)
  })
  assert.deepEqual(
    heard.map((packet) => packet.cmd === 'publish' && [packet.messageId, packet.qos, String(packet.payload)]),
    [
      [1, 1, '1'],
      [1, 1, '1'],
    ],
  )
  assert.equal(heard[1]?.cmd === 'publish' && heard[1].dup, true)
})

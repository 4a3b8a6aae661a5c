import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Aedes } from 'aedes'
import mqtt from 'mqtt'
import httpPush from '../device-drivers/transports/http-push.ts'
import modbusTcp from '../device-drivers/transports/modbus-tcp.ts'
import mqttBroker from '../device-drivers/transports/mqtt-broker.ts'
import mqttClient from '../device-drivers/transports/mqtt-client.ts'
import tcpServer from '../device-drivers/transports/tcp-server.ts'
import { DnyParser, encodeDny } from '../wire/dny.ts'
import { encodeDnyPayload } from '../wire/dny-payload.ts'
import { decodeRequest, encodeMbap, encodeRegistersReply, MbapParser } from '../wire/modbus.ts'
import { send, sendRaw } from './push-sender.ts'
import { deviceOf, transportSuite } from './transport-suite.ts'

transportSuite('mqtt', {
  plug: mqttBroker,
  valueOf: (fields) => fields['n'],
  async prepare() {
    return {
      context: { devices: [deviceOf('device-1', 'ir-beam', {})], listen: '127.0.0.1:0' },
      async connect({ port }) {
        const client = mqtt.connect({
          host: '127.0.0.1',
          port,
          username: 'device-1',
          password: 'secret of device-1',
          clientId: 'one',
          clean: false,
          reconnectPeriod: 5,
        })
        let acknowledged = 0
        const send = (payload: string): void => {
          client.publish('ganglion/site/device-1/up', payload, { qos: 1 }, (error) => {
            if (!error) acknowledged++
          })
        }
        return {
          say(value) {
            const payload = JSON.stringify({ n: value })
            if (client.stream.destroyed) client.once('connect', () => send(payload))
            else send(payload)
          },
          acknowledged: () => acknowledged,
          lose: () => client.stream.destroy(),
          rubbish: () => send('{"n": 1'),
          close: () => client.endAsync(true),
        }
      },
    }
  },
})

transportSuite('mqtt-client', {
  plug: mqttClient,
  valueOf: (fields) => fields['n'],
  async prepare() {
    const broker = await Aedes.createBroker()
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      broker.handle(socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo // it listens on TCP
    const topic = 'ganglion/site/device-1/up'
    let acknowledged = 0
    broker.on('ack', () => acknowledged++)
    const publish = (payload: string): void =>
      broker.publish({ cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false }, () => undefined)
    return {
      context: {
        devices: [deviceOf('device-1', 'ir-beam', { broker: 'city' })],
        brokers: [{ id: 'city', url: `mqtt://127.0.0.1:${port}`, version: '3.1.1' }],
      },
      async connect({ until }) {
        let hasSubscribed = false
        broker.on('subscribe', () => (hasSubscribed = true))
        await until('the subscription', () => hasSubscribed)
        return {
          say: (value) => publish(JSON.stringify({ n: value })),
          acknowledged: () => acknowledged,
          lose: () => sockets.forEach((socket) => socket.destroy()),
          rubbish: () => publish('{"n": 1'),
          async close() {
            await new Promise<void>((resolve) => broker.close(() => resolve()))
            server.close()
          },
        }
      },
    }
  },
})

transportSuite('tcp (DNY)', {
  plug: tcpServer,
  valueOf: (fields) => fields['voltage'],
  async prepare() {
    return {
      context: {
        devices: [deviceOf('device-1', 'dny-station', { physId: '04ab373B' })],
        listen: '127.0.0.1:0',
      },
      async connect({ port }) {
        let acknowledged = 0
        const dial = (): Socket => {
          const parser = new DnyParser()
          const socket = connect(port, '127.0.0.1')
          socket.on('error', () => undefined)
          socket.on('data', (chunk) => (acknowledged += parser.push(chunk).length))
          socket.write('89860446192080012345')
          return socket
        }
        let socket = dial()
        return {
          say(value) {
            const heartbeat = { voltageV: value, portStates: [0, 1] }
            const { command, data } = encodeDnyPayload({ kind: 'heartbeat', heartbeat })
            socket.write(encodeDny({ physId: 0x04ab373b, messageId: value, command, data }))
          },
          acknowledged: () => acknowledged,
          lose() {
            socket.destroy()
            socket = dial()
          },
          rubbish: () => socket.write(Buffer.from('DNY and then noise, long enough to be no length')),
          close: async () => void socket.destroy(),
        }
      },
    }
  },
})

transportSuite('http-push (CTWing)', {
  plug: httpPush,
  valueOf: (fields) => fields['n'],
  async prepare() {
    const secret = '0123456789abcdef0123456789abcdef'
    return {
      context: {
        devices: [deviceOf('device-1', 'door-contact', { push: 'aep', device: '860374051096202' })],
        pushes: [
          { id: 'aep', form: 'ctwing', path: '/aep', from: undefined, settings: { secret: 'file:secret' } },
        ],
        secret: () => secret,
        listen: '127.0.0.1:0',
      },
      async connect({ port }) {
        let acknowledged = 0
        return {
          say(value) {
            const body = JSON.stringify({
              messageType: 'dataReport',
              IMEI: '860374051096202',
              timestamp: 1772409600000 + value,
              payload: { n: value },
            })
            send(port, { path: `/aep/${secret}`, body }).then(
              ({ status }) => {
                if (status === 200) acknowledged++
              },
              () => undefined,
            )
          },
          acknowledged: () => acknowledged,
          // Each push is a connection of its own; this one breaks off within its body.
          lose() {
            const socket = connect(port, '127.0.0.1')
            socket.on('error', () => undefined)
            const head = `POST /aep/${secret} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{`
            socket.write(head, () => socket.destroy())
          },
          rubbish: () => void sendRaw(port, 'POST noise\0\r\n\r\n'),
          close: async () => undefined,
        }
      },
    }
  },
})

transportSuite('modbus-tcp', {
  plug: modbusTcp,
  valueOf: (fields) => fields['residualCurrent'],
  async prepare() {
    const words = new Array<number>(22).fill(0)
    const sockets = new Set<Socket>()
    let asked = 0
    const server = createServer((socket) => {
      const parser = new MbapParser()
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        for (const { transaction, unit, pdu } of parser.push(chunk)) {
          const request = decodeRequest(pdu)
          if (request.is !== 'read') continue
          asked++
          const { address, count } = request.request
          const reply = encodeRegistersReply(3, words.slice(address, address + count))
          socket.write(encodeMbap({ transaction, unit, pdu: reply }))
        }
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo // it listens on TCP
    const via = { host: '127.0.0.1', port, unit: 5, every: '100 ms' }
    return {
      context: { devices: [deviceOf('device-1', 'arc-protector-5b', via)] },
      async connect() {
        return {
          say: (value) => (words[2] = value),
          // That it is asked again shows that the answer before was taken.
          acknowledged: () => Math.max(0, asked - 1),
          lose: () => sockets.forEach((socket) => socket.destroy()),
          rubbish: () => sockets.forEach((socket) => socket.write(Buffer.alloc(40, 0xa5))),
          close: () =>
            new Promise((resolve) => {
              server.close(() => resolve())
              for (const socket of sockets) socket.destroy()
            }),
        }
      },
    }
  },
})

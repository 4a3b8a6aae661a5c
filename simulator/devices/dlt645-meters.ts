import type { Duplex } from 'node:stream'
import { Dlt645Parser, dlt645Controls, encodeDlt645, withWakeUp } from '../../wire/dlt645.ts'

/** What a meter has: item, high byte first, and its bytes, low byte first. */
export type MeterItems = ReadonlyMap<string, Uint8Array>

const FROM_METER = 0x80
const REFUSED = 0xc0
const NO_SUCH_DATA = 0x02

/** Plays electricity meters on a line: each answers reads of its own address. */
export function serveDlt645(stream: Duplex, meters: ReadonlyMap<string, MeterItems>): void {
  const parser = new Dlt645Parser()
  stream.on('data', (chunk: Buffer) => {
    for (const event of parser.push(chunk)) {
      if (event.kind !== 'frame' || event.control !== dlt645Controls.read) continue
      const items = meters.get(event.address)
      if (!items) continue
      const name = Buffer.from(event.data.slice(0, 4)).reverse().toString('hex').toUpperCase()
      const item = items.get(name)
      const { address } = event
      stream.write(
        withWakeUp(
          item
            ? encodeDlt645({
                address,
                control: dlt645Controls.read | FROM_METER,
                data: Buffer.concat([event.data, item]),
              })
            : encodeDlt645({
                address,
                control: dlt645Controls.read | REFUSED,
                data: Uint8Array.of(NO_SUCH_DATA),
              }),
        ),
      )
    }
  })
}

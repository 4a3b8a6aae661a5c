import { parseArgs } from 'node:util'
import { GanglionError, messageOf } from '../../base/errors.ts'
import { serialPorts, type SerialPortSeen } from '../../device-drivers/serial-ports.ts'
import { say, type Command } from '../command.ts'

/** `ganglion commission ports`: the serial ports and what is plugged in; opens none. */
const ports: Command = {
  name: 'commission ports',
  summary: 'the serial ports of this machine and what is plugged in',
  async run(words) {
    parseArgs({ args: words, options: {} })
    const seen = await listed()
    if (seen.length === 0) say('no serial port: is the adapter plugged in?')
    for (const line of portLines(seen)) say(line)
    return 0
  },
}
export default ports

async function listed(): Promise<readonly SerialPortSeen[]> {
  try {
    return await serialPorts()
  } catch (error) {
    throw new GanglionError(
      'device-unreachable',
      `this machine has no list of serial ports: ${messageOf(error)}`,
      {
        hint: "Debian's package udev keeps it.",
        cause: error,
      },
    )
  }
}

/** The name that stays the same comes second: it is the one for a site file. */
export const portLines = (seen: readonly SerialPortSeen[]): readonly string[] =>
  seen.flatMap(({ maker, path, serialNumber, stablePath, usbId }) => {
    const what = [maker, usbId, serialNumber].filter((text) => text !== undefined).join(' ')
    const head = `${path.padEnd(16)} ${what === '' ? 'a port of this machine' : what}`
    return stablePath === undefined ? [head] : [head, `  for the site file: ${stablePath}`]
  })

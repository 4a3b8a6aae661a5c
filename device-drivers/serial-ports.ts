/** 串口: a serial port of this machine and what is plugged in there. */
export interface SerialPortSeen {
  /** `/dev/ttyUSB0` */
  readonly path: string
  /** A name that stays the same when adapters are moved: `/dev/serial/by-id/…`. */
  readonly stablePath: string | undefined
  /** Who made the adapter, as it says itself; undefined for ports of the machine. */
  readonly maker: string | undefined
  readonly serialNumber: string | undefined
  /** USB vendor and product, `1a86:7523`. */
  readonly usbId: string | undefined
}

const text = (value: string | undefined): string | undefined => (value === '' ? undefined : value)

/**
 * The serial ports of this machine; needs Debian's `udev` to know what is plugged in.
 * @throws Error when the machine has no list of them
 */
export async function serialPorts(): Promise<readonly SerialPortSeen[]> {
  const { SerialPort } = await import('serialport')
  const ports = await SerialPort.list()
  return ports.map(({ path, pnpId, manufacturer, serialNumber, vendorId, productId }) => ({
    path,
    stablePath: text(pnpId) === undefined ? undefined : `/dev/serial/by-id/${pnpId ?? ''}`,
    maker: text(manufacturer),
    serialNumber: text(serialNumber),
    usbId: vendorId === undefined || productId === undefined ? undefined : `${vendorId}:${productId}`,
  }))
}

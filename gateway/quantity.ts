/** An entry of the closed table: what can be measured, in exactly one unit, and which values are sane. */
export interface Quantity {
  readonly kind: 'number' | 'boolean' | 'text'
  /** Empty for booleans, text and plain counts. */
  readonly unit: string
  readonly min?: number
  readonly max?: number
  readonly en: string
  readonly zh: string
}

const flag = (en: string, zh: string): Quantity => ({ kind: 'boolean', unit: '', en, zh })
const text = (en: string, zh: string): Quantity => ({ kind: 'text', unit: '', en, zh })
const number = (unit: string, min: number, max: number, en: string, zh: string): Quantity => ({
  kind: 'number',
  unit,
  min,
  max,
  en,
  zh,
})

/** 量: one unit each, so that no two numbers of the same name can mean different things. */
export const quantities = {
  smoke: flag('smoke', '烟雾'),
  heat: flag('heat alarm', '高温报警'),
  water: flag('water alarm', '水浸'),
  fire: flag('fire alarm', '火警'),
  electricalFire: flag('electrical-fire alarm', '电气火灾报警'),
  fault: flag('fault', '故障'),
  shielded: flag('shielded', '屏蔽'),
  mainsFault: flag('mains power fault', '主电故障'),
  backupFault: flag('backup power fault', '备电故障'),
  lineFault: flag('monitored line fault', '监测线路故障'),
  coAlarm: flag('carbon monoxide alarm', '一氧化碳报警'),
  co: number('ppm', 0, 1000, 'carbon monoxide', '一氧化碳浓度'),
  gasAlarm: flag('combustible gas alarm', '可燃气体报警'),
  gas: number('%LEL', 0, 100, 'combustible gas', '可燃气体浓度'),
  smokeDensity: number('dB/m', 0, 20, 'smoke density', '烟雾浓度（减光率）'),
  /** On the detector's own scale. */
  smokeLevel: number('%', 0, 100, 'smoke level', '烟雾浓度'),
  muted: flag('alarm muted', '报警已消音'),
  /** Said before the alarm itself, on a lower threshold. */
  preAlarm: flag('pre-alarm', '预警'),
  valveOpen: flag('gas valve open', '燃气阀开启'),
  test: flag('test button', '自检按键'),
  tamper: flag('tampered', '防拆'),
  batteryLow: flag('battery low', '电量低'),
  battery: number('%', 0, 100, 'battery', '电量'),
  /** Of cells in a device; mains is `voltage`. */
  batteryVoltage: number('V', 0, 24, 'battery voltage', '电池电压'),
  linkQuality: number('', 0, 255, 'link quality', '信号质量'),
  rssi: number('dBm', -140, 0, 'signal strength', '信号强度'),
  beamBlocked: flag('beam blocked', '光束遮挡'),
  doorOpen: flag('door open', '门开启'),
  exitButton: flag('exit button pressed', '出门按钮'),
  /** A credential has opened the door. */
  accessGranted: flag('credential accepted', '凭证开门'),
  accessRefused: flag('credential refused', '凭证被拒'),
  accessReason: text('why a credential was refused', '凭证被拒原因'),
  doorForced: flag('door forced open', '强行开门'),
  doorHeldOpen: flag('door held open', '门未关'),
  lockOpen: flag('lock released', '锁已打开'),
  fireRelease: flag('doors released by the fire alarm', '消防联动释放'),
  motion: flag('motion', '有人移动'),
  vibration: flag('vibration', '震动'),
  /** A contact, coil or plug: on is closed. */
  switchOn: flag('switched on', '开关接通'),
  inputOn: flag('input closed', '开关量输入闭合'),
  temperature: number('°C', -40, 125, 'ambient temperature', '环境温度'),
  humidity: number('%', 0, 100, 'relative humidity', '相对湿度'),
  illuminance: number('lx', 0, 200_000, 'illuminance', '光照度'),
  cabinetTemperature: number('°C', -40, 125, 'cabinet temperature', '柜内温度'),
  cableTemperature: number('°C', -40, 200, 'cable temperature', '线缆温度'),
  portTemperature: number('°C', -40, 200, 'charging port temperature', '充电端口温度'),
  portState: text('charging port state', '充电端口状态'),
  portPower: number('W', 0, 6553.5, 'charging port power', '充电端口功率'),
  portVoltage: number('V', 0, 500, 'charging port voltage', '充电端口电压'),
  portCurrent: number('A', 0, 100, 'charging port current', '充电端口电流'),
  portEnergy: number('kWh', 0, 1000, 'charging port energy', '充电端口电量'),
  portSeconds: number('s', 0, 604_800, 'charging time', '充电时长'),
  voltage: number('V', 0, 500, 'voltage', '电压'),
  /** Below zero where a meter says that it flows back. */
  current: number('A', -800, 800, 'current', '电流'),
  /** Active power; below zero it flows back to the grid. */
  power: number('W', -500_000, 500_000, 'power', '功率'),
  apparentPower: number('VA', 0, 500_000, 'apparent power', '视在功率'),
  reactivePower: number('var', -500_000, 500_000, 'reactive power', '无功功率'),
  powerFactor: number('', -1, 1, 'power factor', '功率因数'),
  frequency: number('Hz', 45, 65, 'mains frequency', '电网频率'),
  energy: number('kWh', 0, 100_000_000, 'energy', '电能'),
  residualCurrent: number('mA', 0, 5000, 'residual current', '剩余电流'),
  residualAlarm: flag('residual-current alarm', '剩余电流报警'),
  arcAlarm: flag('arc-fault alarm', '故障电弧报警'),
  overload: flag('overload', '过载'),
  overVoltage: flag('overvoltage', '过压'),
  underVoltage: flag('undervoltage', '欠压'),
  arcCount: number('', 0, 200, 'arcs in the last second', '每秒电弧数'),
  arcEvents: number('', 0, 65_535, 'arc events in total', '累计电弧次数'),
  sounding: flag('sounding', '正在发声'),
  breakerState: text('breaker state', '断路器状态'),
  /** The part of a zone that is not what it is when nothing stands there. */
  zoneChange: number('%', 0, 100, 'changed part of the zone', '区域变化占比'),
  cameraBlind: flag('camera sees nothing', '画面无效'),
  diskFree: number('%', 0, 100, 'free disk', '磁盘剩余空间'),
  clockUnset: flag('clock never set', '时钟未设置'),
  /** Against the platform's clock, either way. */
  clockOff: number('s', 0, 4_000_000_000, 'clock off', '时钟偏差'),
  platformAway: number('s', 0, 4_000_000_000, 'platform unreachable for', '平台失联时长'),
  vehicleInZone: flag('vehicle in the zone', '区域内有车辆'),
  motorVehicleInZone: flag('motor vehicle in the zone', '区域内有机动车'),
  personInZone: flag('person in the zone', '区域内有人'),
  /** Of cameras and counters that count by themselves; what stands in a zone of ours is counted by its tracks. */
  vehicleCount: number('', 0, 10_000, 'vehicles', '车辆数'),
  personCount: number('', 0, 10_000, 'people', '人数'),
} as const satisfies Record<string, Quantity>

export type QuantityId = keyof typeof quantities

export const quantityIds = Object.keys(quantities) as readonly QuantityId[] // keys of a const table

export const quantityOf = (id: QuantityId): Quantity => quantities[id]
